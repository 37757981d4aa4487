/** No product of these ids is known here; one that was just listed will be within a second. */
export class UnknownProduct extends Error {
  readonly code = 'unknown-product';
  constructor(readonly productIds: readonly string[]) {
    super(
      `No such product: ${productIds.slice(0, 5).join(', ')}. A product just listed can be ordered within a second.`,
    );
  }
}

/** The products of one order are priced in different currencies. */
export class CurrencyMismatch extends Error {
  readonly code = 'currency-mismatch';
  constructor(readonly currencies: readonly string[]) {
    super(`An order has one currency, and these products have ${currencies.join(' and ')}.`);
  }
}

/** The total is more than anybody may order at once. */
export class AmountTooLarge extends Error {
  readonly code = 'amount-too-large';
  constructor(readonly most: number) {
    super(`The total of an order may be at most ${most} minor units.`);
  }
}

/** There is no such order, or it is somebody else's, which a caller must not be able to tell apart. */
export class OrderNotFound extends Error {
  readonly code = 'order-not-found';
  constructor(readonly orderId: string) {
    super(`There is no order ${orderId}.`);
  }
}

/** The order has been cancelled before. */
export class OrderAlreadyCancelled extends Error {
  readonly code = 'order-already-cancelled';
  constructor(readonly orderId: string) {
    super(`The order ${orderId} is already cancelled.`);
  }
}

/** Only an admin sees other customers' orders. */
export class Forbidden extends Error {
  readonly code = 'forbidden';
  constructor() {
    super('Only an admin may ask for the orders of a given customer.');
  }
}
