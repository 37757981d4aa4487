import { Database } from '@banyan/persistence';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { ShownProduct } from './product';
import { ProductsRepository } from './products.repository';

/** One product as it is now. Fails with `ProductNotFound`. */
export class GetProduct extends Query<ShownProduct> {
  constructor(readonly productId: string) {
    super();
  }
}

@QueryHandler(GetProduct)
export class GetProductHandler implements IQueryHandler<GetProduct> {
  constructor(
    private readonly database: Database,
    private readonly products: ProductsRepository,
  ) {}

  async execute({ productId }: GetProduct): Promise<ShownProduct> {
    return this.products.shown(this.database, productId);
  }
}
