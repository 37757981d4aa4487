import { createHash } from 'node:crypto';
import { setTimeout as timePasses } from 'node:timers/promises';
import type { Order, Product } from '../shop-client/answers';
import { Refused, SignInRefused } from '../shop-client/errors';
import { written } from '../shop-client/money';
import type { Session } from '../shop-client/session';
import type { Shop } from '../shop-client/shop';
import { customerLogin } from './customer-login';
import { inParallel } from './in-parallel';
import type { Plan, PlannedProduct, PlannedReturn } from './plan';
import type { Progress } from './progress';
import { CURRENCY, type Played } from './report';

/** The shop did something else than the invoices ask for; the message says what, and what to do. */
export class ShopDiffers extends Error {}

export interface PlayOptions {
  /** How many customers order at the same time. */
  concurrency: number;
  progress: Progress;
  /** How to wait, in ms; really by default. */
  pause?: (ms: number) => Promise<unknown>;
}

/** A price that was changed is in force for orders after a second at most; this waits for twice that. */
const PRICE_TAKES_EFFECT_MS = 2_000;
/** How long the shop may go without ending a single order; longer than it may be unreachable. */
const ENDING_PATIENCE_MS = 10 * 60_000;
const ORDERS_A_PAGE = 100;

/**
 * Plays the plan through the shop's public API. Whatever changes something is either repeatable by its nature (a sku or
 * an e-mail exists once) or carries an idempotency key that follows from the invoices, so that the whole can be killed
 * anywhere and run again. Throws `ShopDiffers` where the shop does not come to what the invoices say.
 */
export async function play(plan: Plan, shop: Shop, admin: Session, options: PlayOptions): Promise<Played> {
  const productIds = await listProducts(plan, shop, admin, options);
  const placed = await placeOrders(plan, shop, productIds, options);
  const ended = await awaitEndings(plan, admin, placed, options);
  const refunded = await giveBack(plan, admin, { productIds, placed, ended }, options);
  return {
    status: ended.map(({ status }) => status as 'confirmed' | 'cancelled'),
    total: ended.map(({ total }) => total.amount),
    refunded,
  };
}

/** By product of the plan: the shop's id. Afterwards every product is there at its list price, with stock enough. */
async function listProducts(
  plan: Plan,
  shop: Shop,
  admin: Session,
  { concurrency, progress, pause = timePasses }: PlayOptions,
): Promise<string[]> {
  const ids: string[] = [];
  const batch = digestOf(plan);
  let repriced = false;
  progress.begin('products', plan.products.length);
  await inParallel(plan.products.entries(), concurrency, async ([number, planned]) => {
    const { product, repriced: isRepriced } = await listed(planned, shop, admin);
    repriced ||= isRepriced;
    ids[number] = product.id;
    // Other invoices need stock of their own, even where they need as much: so the key names the whole batch.
    const delivery = { delta: planned.ordered, reason: 'Stock for invoices to be replayed' };
    await admin.adjustStock(product.id, delivery, `replay-stock-${planned.sku}-${planned.ordered}-${batch}`);
    progress.advance();
  });
  progress.end();
  if (repriced) await pause(PRICE_TAKES_EFFECT_MS);
  return ids;
}

async function listed(
  planned: PlannedProduct,
  shop: Shop,
  admin: Session,
): Promise<{ product: Product; repriced: boolean }> {
  const { sku, name } = planned;
  const price = { amount: planned.price, currency: CURRENCY };
  try {
    // No idempotency key: the sku is one, and a remembered answer would hide what became of the product since.
    return { product: await admin.listProduct({ sku, name, price, stock: 0 }), repriced: false };
  } catch (error) {
    if (!(error instanceof Refused && error.code === 'sku-taken')) throw error;
  }
  const product = await shop.findProduct(sku);
  if (!product) throw new ShopDiffers(`The shop says that the sku ${sku} is taken, but lists no such product.`);
  if (product.price.currency !== CURRENCY) {
    throw new ShopDiffers(`The shop sells ${sku} in ${product.price.currency}; the invoices are in ${CURRENCY}.`);
  }
  const isRepriced = product.price.amount !== price.amount;
  if (!isRepriced && product.name === name) return { product, repriced: false };
  return { product: await admin.changeProduct(product.id, { name, price }), repriced: isRepriced };
}

/** By order of the plan: as the shop took it. */
async function placeOrders(
  plan: Plan,
  shop: Shop,
  productIds: string[],
  { concurrency, progress }: PlayOptions,
): Promise<{ id: string; customerId: string }[]> {
  const placed: { id: string; customerId: string }[] = [];
  progress.begin('orders', plan.orders.count);
  await inParallel(Array.from({ length: plan.customers.count }).keys(), concurrency, async (customer) => {
    const session = await enter(shop, plan.customers.id(customer));
    // One after another, so that the shop has a customer's orders in the order of the invoices.
    for (const order of plan.customers.orders(customer)) {
      const items = plan.orders
        .items(order)
        .map(({ product, quantity }) => ({ productId: productIds[product]!, quantity }));
      const invoice = plan.orders.invoiceNumber(order);
      const taken = await session.placeOrder({ items, payment: { token: 'tok_approved' } }, invoice);
      assertTotal(taken, invoice, plan.orders.total(order));
      placed[order] = { id: taken.id, customerId: taken.customerId };
      progress.advance();
    }
  });
  progress.end();
  return placed;
}

async function enter(shop: Shop, customer: string): Promise<Session> {
  const { name, ...credentials } = customerLogin(customer);
  try {
    return await shop.register(credentials, name);
  } catch (error) {
    if (!(error instanceof SignInRefused)) throw error;
    throw new ShopDiffers(`${credentials.email} is somebody else's in this shop, with another password.`);
  }
}

function assertTotal(order: Order, invoice: string, expected: number): void {
  if (order.total.amount === expected && order.total.currency === CURRENCY) return;
  throw new ShopDiffers(
    `Invoice ${invoice} became order ${order.id} over ${written(order.total)} instead of ` +
      `${written({ amount: expected, currency: CURRENCY })}: it was placed at other prices than these invoices' list ` +
      'prices, now or by an earlier replay of other files. Replay into a shop that has not seen it.',
  );
}

/** By order of the plan: as it ended. */
async function awaitEndings(
  plan: Plan,
  admin: Session,
  placed: readonly { id: string; customerId: string }[],
  { concurrency, progress, pause = timePasses }: PlayOptions,
): Promise<Order[]> {
  const ended: Order[] = [];
  let lastEndingAt = Date.now();
  progress.begin('endings', plan.orders.count);
  // A list per customer shows the state of up to a hundred orders at once, whatever else the shop is busy with.
  await inParallel(Array.from({ length: plan.customers.count }).keys(), concurrency, async (customer) => {
    const waiting = new Map(plan.customers.orders(customer).map((order) => [placed[order]!.id, order]));
    const { customerId } = placed[plan.customers.orders(customer)[0]!]!;
    for (let round = 0; ; round++) {
      for await (const order of ordersOf(admin, customerId)) {
        const number = waiting.get(order.id);
        if (number === undefined || (order.status !== 'confirmed' && order.status !== 'cancelled')) continue;
        waiting.delete(order.id);
        ended[number] = order;
        lastEndingAt = Date.now();
        progress.advance();
        if (waiting.size === 0) return;
      }
      if (Date.now() - lastEndingAt > ENDING_PATIENCE_MS) {
        throw new ShopDiffers(
          `No order has ended for 10 minutes; still waiting, among others, ${[...waiting.keys()][0]}.`,
        );
      }
      await pause(Math.min(100 * 2 ** round, 2_000));
    }
  });
  progress.end();
  return ended;
}

async function* ordersOf(admin: Session, customerId: string): AsyncGenerator<Order> {
  let cursor: string | null | undefined;
  do {
    const page = await admin.orders({ customerId, limit: ORDERS_A_PAGE, cursor: cursor ?? undefined });
    yield* page.items;
    cursor = page.nextCursor;
  } while (cursor);
}

/** Restocks and refunds what came back; pence refunded in all. */
async function giveBack(
  plan: Plan,
  admin: Session,
  done: { productIds: string[]; placed: readonly { id: string }[]; ended: readonly Order[] },
  { concurrency, progress }: PlayOptions,
): Promise<number> {
  const byOrder = Map.groupBy(plan.returns.matched, ({ order }) => order);
  let total = 0;
  progress.begin('returns', plan.returns.matched.length);
  await inParallel(byOrder, concurrency, async ([order, returns]) => {
    // Nothing is left to refund of a cancelled order; that it was cancelled is told with the report.
    if (done.ended[order]!.status === 'confirmed') {
      const amount = await giveBackTo(admin, done.placed[order]!.id, returns, done.productIds);
      // Not `total += await …`, which would forget what others added meanwhile.
      total += amount;
    }
    progress.advance(returns.length);
  });
  progress.end();
  return total;
}

async function giveBackTo(
  admin: Session,
  orderId: string,
  returns: readonly PlannedReturn[],
  productIds: readonly string[],
): Promise<number> {
  const payment = await admin.paymentOf(orderId);
  if (!payment) throw new ShopDiffers(`Order ${orderId} is confirmed, but has no payment.`);
  let due = 0;
  for (const back of returns) {
    due += back.amount;
    // Keys are forgotten some day, the payment is not: what it shows as refunded, an earlier run has done.
    if (payment.refunded.amount >= due) continue;
    const key = `replay-return-${back.invoiceNumber}-${back.line}-of-${orderId}`;
    const goods = { delta: back.quantity, reason: `Returned with ${back.invoiceNumber}`, orderId };
    // The goods first: once the money is seen to be back, so are they.
    await admin.adjustStock(productIds[back.product]!, goods, `${key}-restock`);
    await admin.refund(payment.id, { amount: back.amount, currency: CURRENCY }, `${key}-refund`);
  }
  const refunded = (await admin.paymentOf(orderId))?.refunded.amount;
  if (refunded !== due) {
    throw new ShopDiffers(`Order ${orderId} shows ${refunded} pence refunded instead of ${due}.`);
  }
  return due;
}

/** Tells the orders of one input from those of another. */
function digestOf(plan: Plan): string {
  const hash = createHash('sha256');
  for (let order = 0; order < plan.orders.count; order++) {
    hash.update(`${plan.orders.invoiceNumber(order)}:${plan.orders.total(order)}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}
