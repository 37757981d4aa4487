import { z } from 'zod';
import { command, event, hears, moduleOf } from './definitions';

const schema = z.object({ orderId: z.string() });
const example = { orderId: 'o1' };

describe('a definition', () => {
  it('of an event goes to the topic of the module that announces it', () => {
    const placed = event({ type: 'orders.order-placed.v1', key: ({ orderId }) => orderId, schema, example });
    expect({ ...placed }).toMatchObject({ kind: 'event', topic: 'orders.events', type: 'orders.order-placed.v1' });
    expect(placed.keyOf(example)).toBe('o1');
  });

  it('of a command goes to the topic of the module that is asked', () => {
    const reserve = command({ type: 'inventory.reserve-stock.v1', key: ({ orderId }) => orderId, schema, example });
    expect({ ...reserve }).toMatchObject({ kind: 'command', topic: 'inventory.commands' });
  });

  it('is called to make a message, with what it answers', () => {
    const placed = event({ type: 'orders.order-placed.v1', key: ({ orderId }) => orderId, schema, example });
    const because = { id: 'm1', correlationId: 'c1' };
    expect(placed(example, because)).toEqual({ definition: placed, data: example, because });
  });

  it('a subscription names the topic that it listens to', () => {
    const heard = hears({ subscriber: 'payments', kind: 'event', type: 'orders.order-placed.v1', schema, example });
    expect(heard).toMatchObject({ subscriber: 'payments', topic: 'orders.events' });
  });
});

describe('a wire name', () => {
  it.each(['orders.order-placed.v1', 'process-manager.step-taken.v12'])('may be %s', (type) => {
    expect(moduleOf(type)).toBe(type.split('.')[0]);
  });

  it.each(['OrderPlaced', 'orders.OrderPlaced.v1', 'orders.order-placed', 'orders.order-placed.v0', 'orders..v1', ''])(
    'may not be "%s"',
    (type) => {
      expect(() => event({ type, key: () => 'k', schema, example })).toThrow('is no wire name');
    },
  );
});
