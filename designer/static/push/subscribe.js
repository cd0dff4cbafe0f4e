/* Parcours, for a shop's page: asks a visitor's browser for push messages. See docs/web-push.md.

   <script src="https://journeys.shop.example/static/push/subscribe.js" defer></script>
   parcoursPush.subscribe({ writeKey: "…", userId: "42" })

   Call it from a click: browsers ask for permission in no other moment. */
(() => {
  "use strict";

  const home = new URL("../../", document.currentScript.src);
  const WORKER = "/parcours-push.js";

  const answerOf = async (path, options) => {
    const response = await fetch(new URL(path, home), options);
    if (response.ok) return response.text();
    const problem = await response.json().catch(() => ({}));
    throw new Error(`Parcours: ${problem.detail || response.status}`);
  };

  const bytes = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

  const isUnder = (subscription, key) => {
    const used = new Uint8Array(subscription.options.applicationServerKey || []);
    return used.length === key.length && used.every((byte, n) => byte === key[n]);
  };

  const active = async (worker) => {
    const registration = await navigator.serviceWorker.register(worker);
    const starting = registration.installing || registration.waiting;
    if (registration.active || !starting) return registration;
    return new Promise((resolve, reject) => {
      starting.addEventListener("statechange", () => {
        if (starting.state === "activated") resolve(registration);
        if (starting.state === "redundant") reject(new Error(`Parcours: ${worker} does not start`));
      });
    });
  };

  /* Asks, subscribes, and tells Parcours where to reach this browser. Returns "subscribed",
     "denied" or "unsupported". Calling it again is harmless, and keeps the address current. */
  async function subscribe({ writeKey, userId, anonymousId, worker = WORKER }) {
    if (!("serviceWorker" in navigator && "PushManager" in window)) return "unsupported";
    if ((await Notification.requestPermission()) !== "granted") return "denied";
    const [registration, text] = await Promise.all([active(worker), answerOf("push/key")]);
    const key = bytes(text);
    const before = await registration.pushManager.getSubscription();
    if (before && !isUnder(before, key)) await before.unsubscribe();
    const subscription = await registration.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: key,
    });
    const { endpoint, keys } = subscription.toJSON();
    // The same text each time, so that a browser is one address however often it subscribes.
    const token = JSON.stringify({ endpoint, keys: { auth: keys.auth, p256dh: keys.p256dh } });
    // A text without a header of its own: the browser asks no leave of the server first.
    await answerOf("v1/identify", {
      method: "POST",
      body: JSON.stringify({ writeKey, userId, anonymousId, context: { device: { token } } }),
    });
    return "subscribed";
  }

  /* Ends it. The push service then refuses the next message, and Parcours forgets the address. */
  async function unsubscribe({ worker = WORKER } = {}) {
    const registration = await navigator.serviceWorker?.getRegistration(worker);
    const subscription = await registration?.pushManager.getSubscription();
    return subscription ? subscription.unsubscribe() : false;
  }

  window.parcoursPush = { subscribe, unsubscribe };
})();
