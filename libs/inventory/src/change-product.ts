import { failpoint } from '@banyan/failpoints';
import { Outbox } from '@banyan/messaging';
import { Database } from '@banyan/persistence';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { productChanged } from './messages';
import { change, type ProductChange, type ShownProduct } from './product';
import { ProductsRepository } from './products.repository';

/** Gives a product another name or price. A change that says nothing new is announced to nobody. Fails with `ProductNotFound`. */
export class ChangeProduct extends Command<ShownProduct> {
  constructor(
    readonly productId: string,
    readonly change: ProductChange,
  ) {
    super();
  }
}

@CommandHandler(ChangeProduct)
export class ChangeProductHandler implements ICommandHandler<ChangeProduct> {
  constructor(
    private readonly database: Database,
    private readonly products: ProductsRepository,
    private readonly outbox: Outbox,
  ) {}

  async execute({ productId, change: wanted }: ChangeProduct): Promise<ShownProduct> {
    return this.database.transaction(async (tx) => {
      const product = await this.products.forChange(tx, productId);
      const changed = change(product, wanted, new Date());
      if (changed !== product) {
        const { id, sku, name, price } = changed;
        await this.products.save(tx, changed);
        await this.outbox.publish(tx, [productChanged({ productId: id, sku, name, price })]);
        await failpoint('change-product.before-commit');
      }
      return this.products.shown(tx, productId);
    });
  }
}
