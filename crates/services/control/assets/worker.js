// A readable page while the board cannot be reached. Nothing else is kept: what a page shows is true when it is
// shown, or not shown at all. The address of the page comes with the worker's own address.
"use strict";
const offline = new URL(self.location.href).searchParams.get("offline");
const NAME = "offline-" + self.location.pathname;
addEventListener("install", (event) => {
  event.waitUntil(caches.open(NAME).then(async (cache) => {
    const page = await fetch(offline, { credentials: "omit" });
    const text = await page.clone().text();
    await cache.put(offline, page);
    const files = [...text.matchAll(/(?:href|src)="([^"#]*\/assets\/[^"#]+)/g)].map((found) => found[1]);
    await cache.addAll([...new Set(files)]);
    await self.skipWaiting();
  }));
});
addEventListener("activate", (event) => {
  event.waitUntil(caches.keys()
    .then((names) => Promise.all(names.filter((name) => name !== NAME).map((name) => caches.delete(name))))
    .then(() => self.clients.claim()));
});
addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.mode === "navigate" && request.method === "GET") {
    event.respondWith(fetch(request).catch(() => caches.match(offline)));
  } else if (request.url.includes("/assets/")) {
    event.respondWith(caches.match(request, { ignoreVary: true }).then((kept) => kept || fetch(request)));
  }
});
