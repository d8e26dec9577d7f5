// Swagger UI over the services' documents, signed in by the session: the browser sends the cookie along, and the gateway
// makes a token of it.
(() => {
  "use strict";
  const place = document.getElementById("explorer");
  if (!place || typeof SwaggerUIBundle === "undefined") return;
  SwaggerUIBundle({
    url: place.dataset.spec,
    domNode: place,
    docExpansion: "list",
    tryItOutEnabled: true,
    displayRequestDuration: true,
    validatorUrl: null,
    requestInterceptor: (request) => {
      // The documents speak of addresses from the root; we may stand below a prefix.
      const url = new URL(request.url, location.href);
      if (url.origin === location.origin && url.pathname.startsWith("/api/")) {
        url.pathname = place.dataset.root + url.pathname;
        request.url = url.href;
      }
      return request;
    },
  });
})();
