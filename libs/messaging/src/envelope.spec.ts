import { attributesInLog, encode, LoggedMessage, readAttributes, readContent, WireRecord } from './envelope';

const logged: LoggedMessage = {
  position: 7,
  topic: 'orders.events',
  key: 'o1',
  sequence: 3,
  id: '019a0000-0000-7000-8000-000000000000',
  type: 'orders.order-placed.v1',
  subject: 'o1',
  time: new Date('2026-11-20T12:00:00.123Z'),
  correlationId: 'c1',
  causationId: 'm0',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  tracestate: 'vendor=1',
  data: '{"orderId":"o1"}',
};

/** What a broker does to a record: everything becomes bytes, and is read from bytes again. */
function overTheWire({ topic, key, headers, value }: WireRecord): WireRecord {
  const bytes = (text: string) => Buffer.from(text, 'utf8').toString('utf8');
  return {
    topic,
    key: bytes(key),
    headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, bytes(text)])),
    value: bytes(value),
  };
}

describe('the envelope', () => {
  it('is a CloudEvent in the binary mode of Kafka', () => {
    expect(encode('orders', logged)).toEqual({
      topic: 'orders.events',
      key: 'o1',
      headers: {
        'content-type': 'application/json',
        ce_specversion: '1.0',
        ce_id: logged.id,
        ce_source: '/banyan/orders',
        ce_type: 'orders.order-placed.v1',
        ce_subject: 'o1',
        ce_time: '2026-11-20T12:00:00.123Z',
        ce_dataschema: 'urn:banyan:schema:orders.order-placed.v1',
        ce_partitionkey: 'o1',
        ce_sequence: '3',
        ce_correlationid: 'c1',
        ce_causationid: 'm0',
        ce_traceparent: logged.traceparent,
        ce_tracestate: 'vendor=1',
      },
      value: '{"orderId":"o1"}',
    });
  });

  it('loses nothing on the wire', () => {
    const record = overTheWire(encode('orders', logged));
    expect(readAttributes(record)).toEqual(attributesInLog('orders', logged));
    expect(readContent(record)).toEqual({ orderId: 'o1' });
  });

  it('leaves out what a message does not have', () => {
    const bare = { ...logged, causationId: null, traceparent: null, tracestate: null };
    const record = overTheWire(encode('orders', bare));
    expect(Object.keys(record.headers).filter((name) => /causation|trace/.test(name))).toEqual([]);
    expect(readAttributes(record)).toMatchObject({
      causationId: undefined,
      traceparent: undefined,
      tracestate: undefined,
    });
  });

  it.each([
    ['ce_id', undefined, 'ce_id is missing'],
    ['ce_type', '', 'ce_type is missing'],
    ['ce_subject', undefined, 'ce_subject is missing'],
    ['ce_correlationid', undefined, 'ce_correlationid is missing'],
    ['ce_source', 'https://elsewhere', 'names no module'],
    ['ce_sequence', '0', 'not a whole number'],
    ['ce_sequence', '1.5', 'not a whole number'],
    ['ce_sequence', 'one', 'not a whole number'],
    ['ce_time', 'yesterday', 'is no time'],
    ['ce_specversion', '0.3', 'not 1.0'],
  ])('is refused with %s = %s', (name, value, complaint) => {
    const record = encode('orders', logged);
    const { [name]: _, ...others } = record.headers;
    const headers = value === undefined ? others : { ...others, [name]: value };
    expect(() => readAttributes({ ...record, headers })).toThrow(complaint);
  });

  it('content of another type, or that is no JSON, is refused without being quoted', () => {
    const record = encode('orders', logged);
    const other = { ...record, headers: { ...record.headers, 'content-type': 'application/avro' } };
    expect(() => readContent(other)).toThrow('no codec for content-type "application/avro"');
    expect(() => readContent({ ...record, value: '{"name":"Ann' })).toThrow(/^the content is no JSON$/);
  });
});
