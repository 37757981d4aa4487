/** How an operation is found again: by its controller and method. */
export function operationName(controller: string, method: string): string {
  return `${controller}.${method}`;
}
