import { randomUUID } from 'node:crypto';
import { anAdmin } from './shop/admin';
import { aCustomer } from './shop/customer';
import { eventually } from './shop/order';

const NOBODYS = '01980f2e-7c00-7000-8000-00000000000a';

test('is not there: not to look at, not to cancel, not its payment; an admin sees it', async () => {
  const [admin, jane, wickham] = await Promise.all([anAdmin(), aCustomer(), aCustomer({ name: 'George Wickham' })]);
  const order = await jane.orders({ items: [[await admin.lists(), 1]] });
  await eventually(order).is('confirmed');
  const { id: paymentId } = await order.payment();

  const noOrder = { code: 'order-not-found' };
  expect(await wickham.asks(404, 'GET', `/orders/${order.id}`)).toMatchObject(noOrder);
  expect(await wickham.asks(404, 'GET', `/orders/${order.id}/history`)).toMatchObject(noOrder);
  const cancelling = { body: {}, idempotencyKey: randomUUID() };
  expect(await wickham.asks(404, 'POST', `/orders/${order.id}/cancellation`, cancelling)).toMatchObject(noOrder);
  expect(await wickham.asks(404, 'GET', `/payments/${paymentId}`)).toMatchObject({ code: 'payment-not-found' });
  expect((await wickham.looksAt(`/payments?orderId=${order.id}`)).items).toEqual([]);
  expect((await wickham.looksAt('/orders')).items).toEqual([]);
  expect(await wickham.asks(403, 'GET', `/orders?customerId=${jane.id}`)).toMatchObject({ code: 'forbidden' });
  expect(await wickham.asks(403, 'GET', `/users/${jane.id}`)).toMatchObject({ code: 'forbidden' });

  // Not there in the very words in which what never was is not there.
  const [others, nobodys] = await Promise.all(
    [order.id, NOBODYS].map((id) => wickham.asks(404, 'GET', `/orders/${id}`)),
  );
  for (const part of ['type', 'title', 'status', 'code']) expect(nobodys[part]).toEqual(others[part]);
  expect(nobodys.detail.replace(NOBODYS, order.id)).toBe(others.detail);

  expect(await admin.looksAt(`/orders/${order.id}`)).toEqual(await order.now());
  expect(await admin.looksAt(`/payments/${paymentId}`)).toEqual(await order.payment());
  expect((await admin.looksAt(`/orders?customerId=${jane.id}`)).items).toEqual([await order.now()]);
  expect((await order.now()).status).toBe('confirmed');
});
