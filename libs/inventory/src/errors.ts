import { PermanentError } from '@banyan/messaging';

/** No product has this id. */
export class ProductNotFound extends Error {
  readonly code = 'product-not-found';
  constructor(readonly productId: string) {
    super(`There is no product ${productId}.`);
  }
}

/** A sku names one product for ever. */
export class SkuTaken extends Error {
  readonly code = 'sku-taken';
  constructor(readonly sku: string) {
    super(`The sku ${sku} is taken by another product.`);
  }
}

/** What is reserved has been promised, so it cannot be counted away. */
export class StockWouldBeNegative extends Error {
  readonly code = 'stock-would-be-negative';
  constructor(
    readonly onHand: number,
    readonly reserved: number,
    readonly delta: number,
  ) {
    super(`${onHand} on hand and ${delta} more would leave ${onHand + delta}, and ${reserved} are reserved.`);
  }
}

/**
 * An order whose goods were never held, or were given up before they left, has nothing that could leave. Trying again
 * cannot mend that, so the request is parked for a person to see.
 */
export class NothingToCommit extends PermanentError {
  override readonly code = 'nothing-to-commit';
  constructor(readonly orderId: string) {
    super(`Nothing is held for the order ${orderId}, so nothing can be committed.`);
  }
}
