import { Database } from '@banyan/persistence';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { ShownProduct } from './product';
import { ProductsRepository } from './products.repository';

/** Products in the order in which they were listed; with `text`, those that have it in their name or sku, in any case. */
export class SearchProducts extends Query<ShownProduct[]> {
  constructor(
    readonly search: {
      readonly text?: string | undefined;
      /** The id of the product after which the page begins. */
      readonly after?: string | undefined;
      readonly limit: number;
    },
  ) {
    super();
  }
}

@QueryHandler(SearchProducts)
export class SearchProductsHandler implements IQueryHandler<SearchProducts> {
  constructor(
    private readonly database: Database,
    private readonly products: ProductsRepository,
  ) {}

  async execute({ search }: SearchProducts): Promise<ShownProduct[]> {
    return this.products.page(this.database, search);
  }
}
