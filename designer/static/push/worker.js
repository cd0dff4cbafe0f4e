/* Parcours, for a shop's service worker: shows push messages. See docs/web-push.md.

   The shop serves a file of its own, /parcours-push.js, because a browser runs no worker of
   another origin:

   self.parcoursIcon = "/icon.png";   // may be left out
   importScripts("https://journeys.shop.example/static/push/worker.js"); */
(() => {
  "use strict";

  const read = (data) => {
    try {
      return data.json();
    } catch {
      return {}; // not one of ours: the shop's own worker may have others
    }
  };

  self.addEventListener("push", (event) => {
    const { id, title, body, image, url } = read(event.data);
    if (!id) return;
    const look = { body, image, icon: self.parcoursIcon, tag: id, data: { parcours: url || "" } };
    event.waitUntil(self.registration.showNotification(title || self.location.hostname, look));
  });

  const show = async (url) => {
    const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    const open = pages.find((page) => page.url === url);
    return open ? open.focus() : self.clients.openWindow(url);
  };

  self.addEventListener("notificationclick", (event) => {
    const url = event.notification.data?.parcours;
    if (url === undefined) return;
    event.notification.close();
    event.waitUntil(show(url || self.location.origin));
  });
})();
