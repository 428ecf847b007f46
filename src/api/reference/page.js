// page.js - draws /openapi.json as a page. Text only ever becomes text nodes, never markup.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];

function make(name, classes, ...children) {
	const element = document.createElement(name);
	if (classes)
		element.className = classes;
	element.append(...children.filter((child) => child !== null));
	return element;
}

// Backticks become code, empty lines end paragraphs.
function prose(text) {
	const box = make("div", "");
	for (const paragraph of (text || "").trim().split(/\n\s*\n/)) {
		if (paragraph === "")
			continue;
		const pieces = paragraph.split("`").map((piece, i) => (i % 2 ? make("code", "", piece) : piece));
		box.append(make("p", "", ...pieces));
	}
	return box;
}

function inline(text) {
	return make("span", "", ...(text || "").split("`").map((piece, i) => (i % 2 ? make("code", "", piece) : piece)));
}

function resolve(root, node) {
	if (!node || !node.$ref)
		return node;
	return node.$ref.slice(2).split("/").reduce((at, key) => at[key], root);
}

function typeOf(root, schema) {
	if (schema.$ref)
		return schema.$ref.split("/").pop();
	if (schema.anyOf)
		return schema.anyOf.map((one) => typeOf(root, one)).join(" or ");
	if (schema.const !== undefined)
		return JSON.stringify(schema.const);
	if (schema.type === "array")
		return "list of " + typeOf(root, schema.items || {});
	if (Array.isArray(schema.type))
		return schema.type.join(" or ");
	return schema.type || (schema.allOf ? "object" : "any");
}

function limits(schema) {
	const said = [];
	if (schema.enum)
		said.push("one of " + schema.enum.map((value) => "`" + value + "`").join(", "));
	if (schema.minimum !== undefined)
		said.push("from " + schema.minimum);
	if (schema.maximum !== undefined)
		said.push("up to " + schema.maximum);
	if (schema.default !== undefined)
		said.push("`" + schema.default + "` unless given");
	return said.join("; ");
}

function meaning(description, schema) {
	return [description || schema.description || "", limits(schema)].filter((text) => text).join(" — ");
}

function row(name, type, isRequired, text) {
	return make("tr", "", make("td", "", make("code", "", name), isRequired ? " *" : ""),
		make("td", "note", type), make("td", "", inline(text)));
}

// The members of an object, those of allOf together; named schemas below it unfold.
function members(root, schema, depth) {
	const whole = resolve(root, schema) || {};
	const box = make("div", "");
	for (const part of whole.allOf || [])
		box.append(members(root, part, depth));
	if (whole.type === "array")
		return members(root, whole.items, depth);
	if (!whole.properties || Object.keys(whole.properties).length === 0)
		return box;
	const table = make("table", "");
	for (const [name, property] of Object.entries(whole.properties)) {
		const required = (whole.required || []).includes(name);
		table.append(row(name, typeOf(root, property), required, meaning(property.description, property)));
		const inner = [property, property.items, ...(property.anyOf || [])].filter((one) => one)
			.map((one) => resolve(root, one)).find((one) => one.properties || (one.items && one.items.properties));
		if (inner && depth < 3) {
			const cell = make("td", "", make("details", "", make("summary", "note", "members of " + name),
				members(root, inner, depth + 1)));
			cell.colSpan = 3;
			table.append(make("tr", "", cell));
		}
	}
	box.append(table);
	return box;
}

function examples(media) {
	const box = make("div", "");
	for (const [name, example] of Object.entries(media.examples || {})) {
		const text = typeof example.value === "string" ? example.value : JSON.stringify(example.value, null, 2);
		box.append(make("details", "", make("summary", "note", "example: " + name), make("pre", "", text)));
	}
	return box;
}

function content(root, bodies) {
	const box = make("div", "");
	for (const [type, media] of Object.entries(bodies || {}))
		box.append(make("div", "note", type + (media.schema ? ": " + typeOf(root, media.schema) : "")),
			members(root, media.schema || {}, 0), examples(media));
	return box;
}

function parameters(root, all) {
	const table = make("table", "");
	for (const parameter of all.map((one) => resolve(root, one)))
		table.append(row(parameter.name, parameter.in + ", " + typeOf(root, parameter.schema), parameter.required,
			meaning(parameter.description, resolve(root, parameter.schema))));
	return table;
}

function answers(root, operation) {
	const box = make("div", "");
	for (const [status, reference] of Object.entries(operation.responses)) {
		const response = resolve(root, reference);
		const summary = make("summary", "", make("code", "", status === "default" ? "else" : status), " ",
			inline(response.description));
		box.append(make("details", "", summary, content(root, response.content)));
	}
	return box;
}

function article(root, path, method, shared, operation) {
	const isOpen = operation.security && operation.security.some((one) => Object.keys(one).length === 0);
	const link = make("a", "path", path);
	link.href = "#" + operation.operationId;
	const all = [...(shared || []), ...(operation.parameters || [])];
	const box = make("article", "", make("h3", "", make("span", "method " + method, method.toUpperCase()), link,
		isOpen ? make("span", "open note", "no token") : null), make("p", "", inline(operation.summary)),
		prose(operation.description));
	box.id = operation.operationId;
	if (all.length > 0)
		box.append(make("h4", "", "Parameters"), parameters(root, all));
	if (operation.requestBody)
		box.append(make("h4", "", "Body"), content(root, operation.requestBody.content));
	box.append(make("h4", "", "Answers"), answers(root, operation));
	return box;
}

function codes(root) {
	const table = make("table", "");
	for (const [code, one] of Object.entries(root.components.schemas.ErrorCode["x-statuses"]))
		table.append(row(code, String(one.status), false, one.when));
	return table;
}

function operations(root) {
	return Object.entries(root.paths).flatMap(([path, item]) => METHODS.filter((method) => item[method])
		.map((method) => ({ path, method, shared: item.parameters, operation: item[method] })));
}

function filter(contents, word) {
	for (const group of contents.querySelectorAll("section")) {
		let shown = 0;
		for (const link of group.querySelectorAll("a")) {
			link.hidden = !`${link.textContent} ${link.title}`.toLowerCase().includes(word.toLowerCase());
			shown += link.hidden ? 0 : 1;
		}
		group.hidden = shown === 0;
	}
}

function draw(root) {
	const contents = document.getElementById("contents");
	const page = document.getElementById("reference");
	const search = make("input", "");
	search.type = "search";
	search.placeholder = "Find a call";
	search.setAttribute("aria-label", "Find a call");
	search.addEventListener("input", () => filter(contents, search.value));
	contents.replaceChildren(search);
	page.replaceChildren(make("h1", "", root.info.title + " API"), prose(root.info.description));
	for (const tag of root.tags) {
		const group = make("section", "", make("h2", "", tag.name));
		page.append(make("h2", "", tag.name), prose(tag.description));
		for (const one of operations(root).filter((each) => each.operation.tags.includes(tag.name))) {
			const link = make("a", "", make("span", "method " + one.method, one.method.toUpperCase()),
				one.operation.summary);
			link.href = "#" + one.operation.operationId;
			link.title = one.path;
			group.append(link);
			page.append(article(root, one.path, one.method, one.shared, one.operation));
		}
		contents.append(group);
	}
	page.append(make("h2", "", "Error codes"), codes(root));
	if (location.hash)
		document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

async function start() {
	const answer = await fetch("/openapi.json");
	draw(await answer.json());
}

start().catch((fault) => {
	document.getElementById("reference").replaceChildren(
		make("p", "", "The description could not be drawn: " + fault.message));
});
