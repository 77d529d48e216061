// Shows the OpenAPI document: operations by tag, then schemas, then problem codes. It asks this node for the
// document and nobody for anything else, and writes text only as text, never as HTML.
"use strict";

const METHODS = ["get", "post", "put", "delete", "patch", "head", "options", "trace"];

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// `code` between backticks becomes a code element, a blank line a new paragraph.
function prose(text) {
  return (text || "").split(/\n\s*\n/).filter((part) => part.trim()).map((part) => {
    const pieces = part.split(/`([^`]*)`/).map((piece, at) => (at % 2 ? element("code", {}, piece) : piece));
    return element("p", {}, ...pieces);
  });
}

function phrase(text) {
  return element("span", {}, ...prose(text).flatMap((paragraph) => [...paragraph.childNodes, " "]));
}

function schemaName(reference) {
  return reference.split("/").pop();
}

// A schema in one line: its type, or a link to it, and what it must keep to.
function shape(schema) {
  if (!schema || typeof schema !== "object") return element("span", {}, "anything");
  if (schema.$ref) {
    const name = schemaName(schema.$ref);
    return element("a", { href: `#schema-${name}` }, name);
  }
  const choices = schema.oneOf || schema.anyOf || schema.allOf;
  if (choices) {
    const word = schema.allOf ? " and " : " or ";
    return element("span", {}, ...choices.flatMap((choice, at) => (at ? [word, shape(choice)] : [shape(choice)])));
  }
  if (schema.type === "array") return element("span", {}, "list of ", shape(schema.items), limits(schema));
  if (schema.enum) return element("code", {}, schema.enum.map((value) => JSON.stringify(value)).join(" | "));
  const type = Array.isArray(schema.type) ? schema.type.join(" or ") : schema.type || "anything";
  return element("span", {}, type, limits(schema));
}

function limits(schema) {
  const words = { minimum: "at least", maximum: "at most", minLength: "length from", maxLength: "length to",
    minItems: "items from", maxItems: "items to", format: "format", pattern: "pattern", default: "default" };
  const parts = Object.entries(words).filter(([key]) => key in schema).map(([key, word]) => `${word} ${schema[key]}`);
  return parts.length ? element("span", { class: "quiet" }, ` (${parts.join(", ")})`) : null;
}

function rows(headings, lines) {
  const head = element("tr", {}, ...headings.map((heading) => element("th", { scope: "col" }, heading)));
  const body = lines.map((cells) => element("tr", {}, ...cells.map((cell) => element("td", {}, cell))));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
}

// A field that may be null carries its description beside the reference within.
function about(field) {
  return field.description || (field.oneOf || []).map((choice) => choice.description).find(Boolean);
}

function fields(schema) {
  const required = new Set(schema.required || []);
  const lines = Object.entries(schema.properties || {}).map(([name, field]) => [
    element("code", {}, name), shape(field), required.has(name) ? "yes" : "no", phrase(about(field)),
  ]);
  return lines.length ? rows(["Field", "Type", "Required", "What it is"], lines) : null;
}

function content(of) {
  const lines = Object.entries(of.content || {});
  return element("span", {}, ...lines.flatMap(([type, media]) => [element("code", {}, type), " ", shape(media.schema)]));
}

function resolved(api, thing) {
  return thing.$ref ? api.components.responses[schemaName(thing.$ref)] : thing;
}

function operation(api, path, method, what) {
  const title = element("h3", {}, element("span", { class: `method ${method}` }, method), " ", element("code", {}, path));
  const made = element("section", { id: `${method} ${path}` }, title, ...prose(what.summary), ...prose(what.description));
  const roles = (what.security || []).flatMap((requirement) => Object.values(requirement).flat());
  made.append(element("p", { class: "quiet" }, roles.length ? `Token: ${roles.join(" or ")}.` : "No token is needed."));
  if (what.parameters) {
    made.append(element("h4", {}, "Parameters"), rows(["Name", "In", "Type", "Required", "What it is"],
      what.parameters.map((parameter) => [element("code", {}, parameter.name), parameter.in, shape(parameter.schema),
        parameter.required ? "yes" : "no", phrase(parameter.description)])));
  }
  if (what.requestBody) made.append(element("h4", {}, "Body"), content(what.requestBody));
  const answers = Object.entries(what.responses).map(([status, reference]) => {
    const answer = resolved(api, reference);
    return [status, content(answer), phrase(answer.description)];
  });
  made.append(element("h4", {}, "Answers"), rows(["Status", "Body", "When"], answers));
  return made;
}

function schemaSection(name, schema) {
  const made = element("section", { id: `schema-${name}` }, element("h3", {}, name), ...prose(schema.description));
  made.append(fields(schema) || element("p", {}, shape(schema)));
  for (const choice of schema.oneOf || schema.anyOf || []) {
    if (choice.properties) made.append(...prose(choice.description), fields(choice));
  }
  return made;
}

function problemSections(api) {
  return api.components.schemas.Code.oneOf.map((one) =>
    element("section", { id: one.enum[0] }, element("h3", {}, element("code", {}, one.enum[0])), ...prose(one.description)));
}

function show(api) {
  document.getElementById("version").textContent = `Version ${api.info.version}, OpenAPI ${api.openapi}`;
  const main = document.getElementById("document");
  const contents = document.getElementById("contents");
  main.replaceChildren(...prose(api.info.description), element("p", {}, element("a", { href: "v1/openapi.json" }, "The document itself")));
  for (const tag of api.tags) {
    main.append(element("h2", {}, tag.name), ...prose(tag.description));
    contents.append(element("h2", {}, tag.name));
    for (const [path, item] of Object.entries(api.paths)) {
      for (const method of METHODS.filter((method) => item[method] && item[method].tags.includes(tag.name))) {
        main.append(operation(api, path, method, item[method]));
        const link = element("a", { href: `#${encodeURIComponent(`${method} ${path}`)}` },
          element("span", { class: `method ${method}` }, method), ` ${path}`);
        contents.append(link);
      }
    }
  }
  main.append(element("h2", {}, "Schemas"));
  for (const [name, schema] of Object.entries(api.components.schemas)) main.append(schemaSection(name, schema));
  main.append(element("h2", {}, "Problem codes"), ...problemSections(api));
  // The browser looked for the fragment before there was anything to find.
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target) target.scrollIntoView();
}

fetch("v1/openapi.json")
  .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`the node answered ${answer.status}`))))
  .then(show)
  .catch((error) => { document.getElementById("document").textContent = `The document can't be shown: ${error.message}`; });
