"""Web Push, as a shop's page needs it: the key with which its browsers subscribe.

The two scripts beside it are static: `static/push/subscribe.js` for the page, and
`static/push/worker.js` for the shop's service worker.
"""
