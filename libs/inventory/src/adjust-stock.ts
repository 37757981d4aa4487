import { failpoint } from '@banyan/failpoints';
import { Idempotency, type Attempt } from '@banyan/http';
import type { Transaction } from '@banyan/persistence';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ProductNotFound } from './errors';
import { adjust, available } from './stock';
import { StockRepository } from './stock.repository';

/** `delta`: pieces more (or, negative, fewer) than the books say, not 0. `orderId`: they came back from this order. */
export interface StockAdjustment {
  readonly productId: string;
  readonly delta: number;
  readonly reason: string;
  readonly orderId?: string | undefined;
}

export interface StockLevels {
  readonly onHand: number;
  readonly reserved: number;
  readonly available: number;
}

/** Corrects the books by what was counted by hand. Fails with `ProductNotFound` or `StockWouldBeNegative`. */
export class AdjustStock extends Command<StockLevels> {
  constructor(
    readonly adjustment: StockAdjustment,
    readonly attempt: Attempt,
  ) {
    super();
  }
}

@CommandHandler(AdjustStock)
export class AdjustStockHandler implements ICommandHandler<AdjustStock> {
  constructor(
    private readonly idempotency: Idempotency,
    private readonly stock: StockRepository,
  ) {}

  async execute({ adjustment, attempt }: AdjustStock): Promise<StockLevels> {
    return this.idempotency.once(attempt, (tx) => this.adjust(tx, adjustment));
  }

  private async adjust(tx: Transaction, adjustment: StockAdjustment): Promise<StockLevels> {
    const { productId, delta } = adjustment;
    const [stock] = (await this.stock.lockShelf(tx, [productId])).values();
    if (stock === undefined) throw new ProductNotFound(productId);
    const adjusted = adjust(stock, delta);
    await this.stock.recordAdjusted(tx, { ...adjustment, onHand: adjusted.onHand }, new Date());
    await failpoint('adjust-stock.before-commit');
    return { ...adjusted, available: available(adjusted) };
  }
}
