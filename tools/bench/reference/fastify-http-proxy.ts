/** A program of the bench: @fastify/http-proxy as its README sets it up, in front of one app. */
import type { AddressInfo } from 'node:net';
import httpProxy from '@fastify/http-proxy';
import fastify from 'fastify';
import { answerQuestions } from '../answering';

const app = fastify({ logger: false });
app.register(httpProxy, { upstream: process.env['UPSTREAM'] as string });
const listening = app.listen({ host: '127.0.0.1', port: 0 }).then(() => (app.server.address() as AddressInfo).port);
answerQuestions({ port: () => listening });
