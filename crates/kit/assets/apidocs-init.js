// Starts Swagger UI on the document beside it. Addresses are relative: they hold behind any prefix.
"use strict";
window.ui = SwaggerUIBundle({
  url: "../apispec.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "none",
  persistAuthorization: true,
  displayRequestDuration: true,
  validatorUrl: null,
  onComplete: function () {
    var title = document.querySelector("#swagger-ui .info .title");
    if (title && title.firstChild) document.title = title.firstChild.textContent.trim();
  },
});
