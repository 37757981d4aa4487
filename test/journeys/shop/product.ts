export interface Product {
  readonly id: string;
  readonly sku: string;
  readonly name: string;
  readonly price: { readonly amount: number; readonly currency: string };
}
