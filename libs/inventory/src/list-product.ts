import { failpoint } from '@banyan/failpoints';
import { Idempotency, type Attempt } from '@banyan/http';
import { Outbox } from '@banyan/messaging';
import type { Transaction } from '@banyan/persistence';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { v7 as uuidv7 } from 'uuid';
import { productListed } from './messages';
import { show, type Money, type Product, type ShownProduct } from './product';
import { ProductsRepository } from './products.repository';
import { StockRepository } from './stock.repository';

/** `stock`: pieces on hand from the beginning, 0 or more. */
export interface NewProduct {
  readonly sku: string;
  readonly name: string;
  readonly price: Money;
  readonly stock: number;
}

/** Puts a product into the shop window. Fails with `SkuTaken`. */
export class ListProduct extends Command<ShownProduct> {
  constructor(
    readonly product: NewProduct,
    readonly attempt: Attempt,
  ) {
    super();
  }
}

@CommandHandler(ListProduct)
export class ListProductHandler implements ICommandHandler<ListProduct> {
  constructor(
    private readonly idempotency: Idempotency,
    private readonly products: ProductsRepository,
    private readonly stock: StockRepository,
    private readonly outbox: Outbox,
  ) {}

  async execute({ product, attempt }: ListProduct): Promise<ShownProduct> {
    return this.idempotency.once(attempt, (tx) => this.list(tx, product));
  }

  /** The act inside a transaction that the caller has open. */
  async list(tx: Transaction, { sku, name, price, stock }: NewProduct): Promise<ShownProduct> {
    const product: Product = { id: uuidv7(), sku, name, price, updatedAt: new Date() };
    await this.products.add(tx, product);
    await this.stock.addStock(tx, product.id, stock, product.updatedAt);
    await this.outbox.publish(tx, [productListed({ productId: product.id, sku, name, price })]);
    await failpoint('list-product.before-commit');
    return show(product, stock);
  }
}
