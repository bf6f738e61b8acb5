/* The page that shows an OpenAPI document, and tries what it describes. All text goes into the page as
 * text, never as markup: what a server says can't become a script. */
'use strict';

(() => {
  const METHODS = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options', 'trace'];
  let api;
  let fields = 0; /* for ids that labels refer to */

  /* An element with attributes and what is in it: texts, elements, or nothing. */
  function make(name, attributes, ...inside) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {}))
      if (value !== undefined && value !== false) element.setAttribute(key, value === true ? '' : value);
    element.append(...inside.flat().filter((part) => part !== null && part !== undefined && part !== ''));
    return element;
  }

  const byId = (id) => document.getElementById(id);
  const nameOf = (ref) => ref.split('/').pop();
  const anchorOf = (method, path) => 'op-' + method + path.replace(/[^A-Za-z0-9]+/g, '-');

  /* A schema, with its reference followed; what stands beside the reference is kept. */
  function follow(schema) {
    const one = schema.allOf && schema.allOf.length === 1 ? { ...schema.allOf[0], ...schema, allOf: undefined } : schema;
    if (!one.$ref) return one;
    const found = one.$ref.slice(2).split('/').reduce((at, part) => at && at[part], api);
    return { ...found, ...one, $ref: undefined, title: nameOf(one.$ref) };
  }

  /* ---- examples ---- */

  const FORMATS = {
    email: 'someone@example.org',
    uuid: '123e4567-e89b-12d3-a456-426614174000',
    date: '2026-01-31',
    'date-time': '2026-01-31T12:00:00Z',
    uri: 'https://example.org/',
  };

  function exampleNumber(schema) {
    const step = schema.type === 'integer' ? 1 : 0.5;
    if (schema.minimum !== undefined && schema.minimum > 0) return schema.minimum;
    if (schema.exclusiveMinimum !== undefined && schema.exclusiveMinimum >= 0) return schema.exclusiveMinimum + step;
    if (schema.maximum !== undefined && schema.maximum < 0) return schema.maximum;
    return schema.exclusiveMaximum !== undefined && schema.exclusiveMaximum <= 0 ? schema.exclusiveMaximum - step : 0;
  }

  function exampleText(schema) {
    const text = FORMATS[schema.format] || 'text';
    const long = text.padEnd(schema.minLength || 0, 'x');
    return schema.maxLength && !schema.format ? long.slice(0, schema.maxLength) : long;
  }

  /* Something that the schema allows; a schema that contains itself ends where it may. */
  function exampleOf(raw, above = []) {
    const schema = follow(raw.anyOf ? raw.anyOf[0] : raw);
    const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
    if (schema.default !== undefined) return schema.default;
    if (schema.enum) return schema.enum[0];
    if (type === 'integer' || type === 'number') return exampleNumber({ ...schema, type });
    if (type === 'boolean') return false;
    if (type === 'array') {
      const item = follow(schema.items);
      return above.includes(item.title) ? [] : [exampleOf(schema.items, above)];
    }
    if (type !== 'object') return exampleText(schema);
    const example = {};
    for (const [name, field] of Object.entries(schema.properties || {})) {
      const inner = follow(field.anyOf ? field.anyOf[0] : field);
      if (inner.type === 'object' && above.concat(schema.title).includes(inner.title)) continue;
      example[name] = exampleOf(field, above.concat(schema.title));
    }
    return example;
  }

  /* ---- schemas ---- */

  function typeOf(raw) {
    const link = (ref) => make('a', { href: '#schema-' + nameOf(ref) }, nameOf(ref));
    if (raw.$ref) return [link(raw.$ref)];
    if (raw.allOf) return typeOf(raw.allOf[0]);
    if (raw.anyOf) return raw.anyOf.flatMap((one, i) => (i ? [' or ', ...typeOf(one)] : typeOf(one)));
    if (raw.items) return ['list of ', ...typeOf(raw.items)];
    return [[].concat(raw.type || 'anything').join(' or ')];
  }

  const RULES = {
    minLength: 'min. length ', maxLength: 'max. length ', minItems: 'min. items ', maxItems: 'max. items ',
    minimum: '≥ ', exclusiveMinimum: '> ', maximum: '≤ ', exclusiveMaximum: '< ',
    format: '', pattern: 'matches ', default: 'default ',
  };

  function rulesOf(schema) {
    const rules = [];
    for (const [key, before] of Object.entries(RULES))
      if (schema[key] !== undefined) rules.push(make('span', { class: 'rule' }, before + schema[key]));
    for (const value of schema.enum || []) rules.push(make('span', { class: 'rule' }, JSON.stringify(value)));
    return schema.items && !schema.items.$ref ? rules.concat(rulesOf(schema.items)) : rules;
  }

  function tableOf(schema) {
    const rows = Object.entries(schema.properties || {}).map(([name, field]) =>
      make('tr', {},
        make('td', {}, name, (schema.required || []).includes(name) && make('span', { class: 'must' }, 'required') || ''),
        make('td', {}, make('span', { class: 'type' }, typeOf(field)), ' ', rulesOf(field),
          field.description && make('div', { class: 'quiet' }, field.description))));
    return make('table', {}, make('tbody', {}, rows));
  }

  function schemaCard([name, schema]) {
    return make('details', { class: 'schema', id: 'schema-' + name },
      make('summary', {}, make('span', { class: 'path' }, name), make('span', { class: 'says' }, schema.description)),
      make('div', { class: 'inside' }, tableOf(schema)));
  }

  /* ---- JSON in colours ---- */

  function coloured(text) {
    const parts = [];
    const token = /("(?:\\.|[^"\\])*")(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/g;
    let end = 0;
    for (const match of text.matchAll(token)) {
      parts.push(text.slice(end, match.index));
      const kind = match[1] ? (match[2] ? 'key' : 'string') : /[tfn]/.test(match[0][0]) ? 'word' : 'number';
      parts.push(make('span', { class: kind }, match[1] || match[0]), match[2]);
      end = match.index + match[0].length;
    }
    return parts.concat(text.slice(end));
  }

  function pretty(text, type) {
    if (!/[/+]json/.test(type || '')) return [text];
    try {
      return coloured(JSON.stringify(JSON.parse(text), null, 2));
    } catch (_) {
      return [text];
    }
  }

  /* ---- trying it ---- */

  function fieldOf(parameter) {
    const id = 'field-' + ++fields;
    const input = make('input', { id, required: parameter.required, autocomplete: 'off', spellcheck: 'false' });
    const label = make('label', { for: id }, parameter.name, ' ',
      make('span', { class: 'quiet' }, parameter.in + ', ' + (parameter.schema.type || 'text')),
      parameter.required && make('span', { class: 'must' }, 'required') || '');
    return { parameter, input, element: make('div', { class: 'field' }, label, input,
      parameter.description && make('span', { class: 'quiet' }, parameter.description)) };
  }

  function urlOf(path, inputs) {
    const query = new URLSearchParams();
    let url = path;
    for (const { parameter, input } of inputs) {
      if (parameter.in === 'path') url = url.replace('{' + parameter.name + '}', encodeURIComponent(input.value));
      else if (input.value !== '') query.append(parameter.name, input.value);
    }
    return query.toString() === '' ? url : url + '?' + query;
  }

  function bytesOf(count) {
    return count < 1024 ? count + ' bytes' : (count / 1024).toFixed(1) + ' KiB';
  }

  async function showAnswer(place, response, began) {
    const text = await response.text();
    const time = performance.now() - began;
    const type = response.headers.get('content-type');
    const headers = [...response.headers].map(([name, value]) => make('tr', {}, make('td', {}, name), make('td', {}, value)));
    place.replaceChildren(
      make('h3', {}, 'Answer'),
      make('div', { class: 'row' },
        make('span', { class: 'status ' + (response.ok ? 'good' : 'bad') }, response.status + ' ' + response.statusText),
        make('span', { class: 'quiet' }, time.toFixed(time < 10 ? 1 : 0) + ' ms · ' + bytesOf(new Blob([text]).size))),
      make('details', { class: 'headers' }, make('summary', {}, headers.length + ' headers'),
        make('table', {}, make('tbody', {}, headers))),
      text && make('pre', { tabindex: '0', 'aria-label': 'Body of the answer' }, pretty(text, type)) || '');
  }

  function formOf(method, path, operation) {
    const inputs = (operation.parameters || []).map(fieldOf);
    const content = operation.requestBody && operation.requestBody.content['application/json'];
    const id = 'field-' + ++fields;
    const body = content && make('textarea', { id, spellcheck: 'false' });
    const button = make('button', { type: 'submit' }, 'Send');
    const answer = make('div', { class: 'answer', role: 'status' });
    if (body) {
      body.value = JSON.stringify(exampleOf(content.schema), null, 2);
      body.rows = Math.min(24, body.value.split('\n').length + 1);
    }
    const form = make('form', {}, make('h3', {}, 'Try it'), inputs.map((one) => one.element),
      body && make('div', { class: 'field' }, make('label', { for: id }, 'Body ', make('span', { class: 'quiet' }, 'application/json')), body),
      make('div', { class: 'row' }, button), answer);
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      button.disabled = true;
      const began = performance.now();
      const options = { method: method.toUpperCase() };
      if (body) Object.assign(options, { body: body.value, headers: { 'content-type': 'application/json' } });
      try {
        await showAnswer(answer, await fetch(urlOf(path, inputs), options), began);
      } catch (error) {
        answer.replaceChildren(make('span', { class: 'status bad' }, 'No answer: ' + error.message));
      }
      button.disabled = false;
    });
    return form;
  }

  /* ---- operations ---- */

  function answersOf(operation) {
    return make('table', {}, make('tbody', {}, Object.entries(operation.responses || {}).map(([status, answer]) => {
      const content = Object.values(answer.content || {})[0];
      return make('tr', {}, make('td', {}, status),
        make('td', {}, answer.description, content && [' ', make('span', { class: 'type' }, typeOf(content.schema))] || ''));
    })));
  }

  function tellOf(operation) {
    const content = operation.requestBody && Object.values(operation.requestBody.content)[0];
    return make('div', {},
      operation.description && make('p', {}, operation.description),
      content && [make('h3', {}, 'Body: ', typeOf(content.schema)), tableOf(follow(content.schema))] || '',
      make('h3', {}, 'Answers'), answersOf(operation));
  }

  /* What is inside is made when it is first opened: a page of a thousand operations comes up at once. */
  function operationCard({ method, path, operation }) {
    const card = make('details', { class: 'operation', id: anchorOf(method, path) },
      make('summary', {}, make('span', { class: 'method ' + method }, method.toUpperCase()),
        make('span', { class: 'path' }, path), make('span', { class: 'says' }, operation.summary)));
    card.addEventListener('toggle', () => {
      if (card.open && card.childElementCount === 1)
        card.append(make('div', { class: 'inside' }, tellOf(operation), formOf(method, path, operation)));
    });
    return card;
  }

  /* All operations, by their first tag, in the order of the document. */
  function byTag() {
    const tags = new Map();
    for (const [path, item] of Object.entries(api.paths || {}))
      for (const method of METHODS)
        if (item[method]) {
          const tag = (item[method].tags || ['Operations'])[0];
          tags.set(tag, (tags.get(tag) || []).concat({ method, path, operation: item[method] }));
        }
    return tags;
  }

  function contentsOf(tags) {
    return [...tags].flatMap(([tag, operations]) => [make('strong', {}, tag), ...operations.map(({ method, path }) =>
      make('a', { href: '#' + anchorOf(method, path) }, make('span', { class: 'method ' + method }, method.toUpperCase()), make('span', {}, path)))]);
  }

  function filter(word) {
    for (const card of document.querySelectorAll('details.operation'))
      card.hidden = !card.firstChild.textContent.toLowerCase().includes(word.trim().toLowerCase());
    for (const section of document.querySelectorAll('section.tag'))
      section.hidden = !section.querySelector('details:not([hidden])');
  }

  /* A link to an operation or a schema opens it. */
  function openTarget() {
    const target = location.hash && byId(decodeURIComponent(location.hash.slice(1)));
    if (!target || target.tagName !== 'DETAILS') return;
    target.open = true;
    target.scrollIntoView();
  }

  function show() {
    const tags = byTag();
    const schemas = Object.entries((api.components && api.components.schemas) || {});
    document.title = api.info.title;
    byId('title').textContent = api.info.title;
    byId('version').textContent = api.info.version;
    byId('about').textContent = api.info.description || '';
    byId('contents').replaceChildren(...contentsOf(tags));
    byId('operations').replaceChildren(
      ...[...tags].map(([tag, operations]) => make('section', { class: 'tag' }, make('h2', {}, tag), operations.map(operationCard))),
      make('section', {}, make('h2', {}, 'Schemas'), schemas.map(schemaCard)));
    byId('filter').addEventListener('input', (event) => filter(event.target.value));
    addEventListener('hashchange', openTarget);
    openTarget();
  }

  fetch('/openapi.json')
    .then((response) => (response.ok ? response.json() : Promise.reject(new Error('status ' + response.status))))
    .then((json) => { api = json; show(); })
    .catch((error) => byId('operations').replaceChildren(make('p', { class: 'must' }, '/openapi.json could not be read: ' + error.message)));
})();
