/** The name of an operation, by which its route is found again: `products.get` of `ProductsController.get`. */
export function operationName(controller: string, method: string): string {
  const name = controller.replace(/Controller$/, '');
  return `${name.charAt(0).toLowerCase()}${name.slice(1)}.${method}`;
}
