// No validatorUrl: the page asks no other host for anything.
SwaggerUIBundle({
  url: "/api/schema/",
  dom_id: "#api",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  persistAuthorization: true,
  validatorUrl: null,
});
