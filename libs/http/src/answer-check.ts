import type { FastifyInstance } from 'fastify';

/** Fails every answer that is not as its route declares it (500), so that tests of any kind find what OpenAPI says wrongly. */
export function holdAnswersToTheirSchemas(fastify: FastifyInstance): void {
  fastify.addHook('preSerialization', (request, reply, payload, done) => {
    const schema = request.routeOptions.config.route?.answers.get(reply.statusCode);
    // As the client will read it: dates are text by then.
    const wrong = schema?.safeParse(JSON.parse(JSON.stringify(payload))).error;
    if (!wrong) return done(null, payload);
    const where = `${request.method} ${request.routeOptions.url} ${reply.statusCode}`;
    done(new Error(`The answer of ${where} is not as declared: ${wrong.message}`));
  });
}
