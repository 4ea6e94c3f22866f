// Records pacts with pact-js, as its users do: `record.mjs DIRECTORY` writes one for each version and kind.

import assert from 'node:assert/strict';
import path from 'node:path';
import pact from '@pact-foundation/pact';

const { MatchersV3: match, MessageConsumerPact, PactV4, SpecificationVersion, XmlBuilder } = pact;
const VERSIONS = {
  V2: SpecificationVersion.SPECIFICATION_VERSION_V2,
  V3: SpecificationVersion.SPECIFICATION_VERSION_V3,
  V4: SpecificationVersion.SPECIFICATION_VERSION_V4,
};

/** What is expected of an order: every matcher that the version has. */
function order(version) {
  const body = {
    id: match.like(7),
    total: match.like(1200),
    currency: match.regex('^[A-Z]{3}$', 'EUR'),
    lines: match.eachLike({ title: match.like('logo') }, 1),
  };
  if (version !== 'V2') {
    Object.assign(body, {
      total: match.integer(1200),
      rate: match.decimal(1.5),
      weight: match.number(3),
      open: match.boolean(true),
      note: match.includes('paid'),
      coupon: match.nullValue(),
      created: match.datetime("yyyy-MM-dd'T'HH:mm:ss", '2026-02-03T04:05:06'),
      day: match.date('yyyy-MM-dd', '2026-02-03'),
      trace: match.uuid('018f4f6e-0000-7000-8000-000000000001'),
    });
  }
  if (version === 'V4') {
    Object.assign(body, {
      tags: match.arrayContaining(match.like('urgent'), match.integer(3)),
      prices: match.eachValueMatches({ EUR: 1200 }, match.integer(1)),
      by_code: match.eachKeyMatches({ A1: true }, match.regex('^[A-Z][0-9]$', 'A1')),
    });
  }
  return body;
}

function prices() {
  return new XmlBuilder('1.0', 'UTF-8', 'prices').build((root) =>
    root.appendElement('price', {}, (price) => price.appendText(match.regex('^[0-9]+$', '1200'))),
  );
}

async function http(version, directory) {
  const options = { dir: path.join(directory, `http-${version}`), spec: VERSIONS[version], logLevel: 'error' };
  const web = new PactV4({ consumer: 'node-web', provider: 'shop', ...options });
  const old = version === 'V2';
  const given = web.addInteraction();
  // The path and the token are what the provider's state says they are.
  await (old ? given.given('an order exists') : given.given('an order exists', { number: 7, owner: 'ada' }))
    .uponReceiving(`reading an order in ${version}`)
    .withRequest('GET', old ? '/orders/7' : match.fromProviderState('/orders/${id}', '/orders/7'), (request) => {
      request.query({ full: 'yes' });
      if (!old) request.headers({ Authorization: match.fromProviderState('Bearer ${token}', 'Bearer example') });
    })
    .willRespondWith(200, (response) =>
      response.headers({ 'X-Page': match.regex('^[0-9]+$', '1') }).jsonBody(order(version)),
    )
    .executeTest(async (server) => {
      const headers = old ? {} : { Authorization: 'Bearer example' };
      const answer = await fetch(`${server.url}/orders/7?full=yes`, { headers });
      assert.equal(answer.status, 200);
      assert.equal((await answer.json()).lines[0].title, 'logo');
    });
  await web
    .addInteraction()
    .uponReceiving(`creating an order in ${version}`)
    .withRequest('POST', '/orders', (request) => request.jsonBody({ gig: match.like('g-1') }))
    .willRespondWith(201, (response) => response.jsonBody({ id: match.like(8) }))
    .executeTest(async (server) => {
      const headers = { 'Content-Type': 'application/json' };
      const answer = await fetch(`${server.url}/orders`, { method: 'POST', headers, body: '{"gig":"mine"}' });
      assert.equal((await answer.json()).id, 8);
    });
  await web
    .addInteraction()
    .uponReceiving(`the price list in ${version}`)
    .withRequest('GET', '/prices')
    .willRespondWith(200, (response) => response.xmlBody(prices()))
    .executeTest(async (server) => {
      const answer = await fetch(`${server.url}/prices`);
      assert.match(await answer.text(), /1200/);
    });
}

const message = {
  content: { order: match.like(7), total: match.integer(1200) },
  metadata: { type: 'shop.order-paid.v1', id: match.regex('^[0-9]+$', '1') },
};

async function handle(received) {
  assert.equal(received.contents.content?.total ?? received.contents.total, 1200);
}

async function messages(directory) {
  const names = { consumer: 'node-mail', provider: 'shop', logLevel: 'error' };
  await new MessageConsumerPact({ ...names, dir: path.join(directory, 'messages-V3'), pactfileWriteMode: 'update' })
    .given({ name: 'a paid order exists', params: { number: 7 } })
    .expectsToReceive('an order was paid in V3')
    .withContent(message.content)
    .withMetadata(message.metadata)
    .verify(handle);
  await new PactV4({ ...names, dir: path.join(directory, 'messages-V4') })
    .addAsynchronousInteraction()
    .given('a paid order exists', { number: 7 })
    .expectsToReceive('an order was paid in V4', (builder) =>
      builder.withJSONContent(message.content).withMetadata(message.metadata),
    )
    .executeTest(handle);
}

const directory = process.argv[2];
for (const version of Object.keys(VERSIONS)) {
  await http(version, directory);
}
await messages(directory);
