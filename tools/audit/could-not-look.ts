/** Nothing can be said of the shop, for good or bad. The message is one line with the cause and the cure. */
export class CouldNotLook extends Error {}
