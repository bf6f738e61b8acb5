// fastify: bodies checked by ajv, answers written by fast-json-stringify, both from a schema.
'use strict';
const HOUR_MS = 3600 * 1000;
const app = require('fastify')({ keepAliveTimeout: HOUR_MS, ajv: { customOptions: { coerceTypes: false } } });

const order = {
    type: 'object',
    required: ['name', 'price', 'quantity', 'color'],
    properties: {
        name: { type: 'string', minLength: 1, maxLength: 80 },
        price: { type: 'number', exclusiveMinimum: 0 },
        quantity: { type: 'integer', minimum: 1, maximum: 1000 },
        color: { enum: ['red', 'green', 'blue'] },
        is_gift: { type: 'boolean' },
        note: { type: 'string', maxLength: 200 },
    },
};
const total = {
    type: 'object',
    properties: { name: { type: 'string' }, total: { type: 'number' }, quantity: { type: 'integer' } },
};

app.get('/', (req, reply) => {
    reply.type('text/plain').send('Hello, World!');
});
app.post('/orders', { schema: { body: order, response: { 200: total } } }, (req, reply) => {
    const { name, price, quantity } = req.body;
    reply.send({ name, total: price * quantity, quantity });
});
app.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 }).catch((error) => {
    console.error(error);
    process.exit(1);
});
