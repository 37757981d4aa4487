import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { Problem } from '@banyan/problem';
import type { Dispatcher } from 'undici';
import { answerHeaders } from './answer-headers';
import { BodyTooLarge, ClientBody, endlessBody, wholeBody } from './client-body';
import type { Instance } from './instance';
import { answerProblem } from './problem-answer';
import type { RequestHeaders } from './request-headers';
import { instanceFor, type ModuleRoute } from './routing-table';
import { stickyKey } from './sticky-key';

// Up to this, a body is sent on once it is there: an app is spared clients that send it letter by letter.
const SHORT_BODY_BYTES = 65_536;
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
const MOST_TRIES = 3;
// An app refuses at once what is announced as this long; this is for one that would wait for it.
const REFUSES_WITHIN_MS = 2_000;
const ANNOUNCED_AS_ENDLESS = String(Number.MAX_SAFE_INTEGER);

/** What an exchange needs of the gateway around it. */
export interface Surroundings {
  /** Whether clients are asked to go. */
  readonly draining: boolean;
  /** Told once, when a request has been answered, or its client has gone. */
  ended(exchange: Exchange): void;
  /** Something went wrong behind us that an operator would like to know of. */
  failed(exchange: Exchange, instance: Instance | undefined, error: Error): void;
}

/**
 * One request and its answer: chooses an instance, sends the request on and the answer back, neither faster than it is
 * taken. Where nothing of the request was sent, or it is safe, another instance may be tried; once the answer has begun,
 * nothing can be mended any more, and the client sees it break off.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  /** How often it was tried after the first time. */
  retries = 0;
  readonly beganAt = performance.now();
  private readonly key: string | undefined;
  private readonly tried: Instance[] = [];
  private instance: Instance | undefined;
  private body: Buffer | Readable | null = null;
  private controller: Dispatcher.DispatchController | undefined;
  /** Whether the instance has got anything of the request. */
  private sent = false;
  private over = false;

  constructor(
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    readonly route: ModuleRoute<Instance>,
    readonly headers: RequestHeaders,
    private readonly target: string,
    private readonly around: Surroundings,
  ) {
    this.key = route.hasChoice ? stickyKey(route.sticky, headers) : undefined;
    response.on('close', () => {
      if (!response.writableFinished) this.giveUp();
      this.around.ended(this);
    });
  }

  /** Takes the request's body, and sends it on. */
  begin(waitsForContinue: boolean): void {
    const { request, response, headers, route } = this;
    const length = headers.contentLength ?? 0;
    const goOn = () => {
      if (waitsForContinue) response.writeContinue();
    };
    if (length > route.bodyLimitBytes) {
      this.beRefused();
    } else if (headers.chunked || length > SHORT_BODY_BYTES) {
      if (!headers.chunked) headers.forward.push('content-length', String(length));
      this.body = new ClientBody(request, route.bodyLimitBytes, goOn);
      this.send();
    } else if (length > 0) {
      goOn();
      wholeBody(request, length, (body) => {
        this.body = body;
        this.send();
      });
    } else {
      this.send();
    }
  }

  /** Whether the client has got the beginning of its answer, and not the end. */
  get isAnswering(): boolean {
    return this.response.headersSent && !this.response.writableFinished;
  }

  /** Whether it is the app that keeps us waiting. */
  get isWaiting(): boolean {
    return !this.response.headersSent;
  }

  /** Nobody waits for the answer any more. */
  giveUp(): void {
    if (this.over) return;
    this.over = true;
    this.controller?.abort(new Error('The client has gone.'));
    if (this.body && 'destroy' in this.body) this.body.destroy();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    this.sent = true;
    if (this.over) controller.abort(new Error('The client has gone.'));
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    sent: IncomingHttpHeaders,
    statusText = '',
  ): void {
    // What an app says before its answer, it says to us.
    if (status < 200 || this.over) return;
    const headers = answerHeaders(sent);
    if (this.around.draining) headers.push('connection', 'close');
    else if (sent.connection === 'close') void this.instance?.look();
    this.response.writeHead(status, statusText, headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.over || this.response.write(chunk)) return;
    controller.pause();
    this.response.once('drain', () => controller.resume());
  }

  onResponseEnd(): void {
    if (this.over) return;
    this.over = true;
    this.response.end();
    if (!this.request.complete) this.request.resume();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.over) return;
    if (this.response.headersSent) {
      this.around.failed(this, this.instance, error);
      this.over = true;
      this.response.destroy();
      return;
    }
    if (error instanceof BodyTooLarge) {
      this.answer(new Problem('body-too-large', 'The body is larger than this server takes.'));
      return;
    }
    this.tryAgainOrAnswer(error);
  }

  private send(): void {
    if (this.over) return;
    const instance = instanceFor(this.route, this.key, this.tried);
    if (!instance) {
      this.answer(unavailable());
      return;
    }
    this.sendTo(instance);
  }

  private sendTo(instance: Instance): void {
    this.instance = instance;
    this.tried.push(instance);
    this.sent = false;
    instance.pool.dispatch(
      {
        method: this.request.method as Dispatcher.HttpMethod,
        path: this.target,
        headers: this.headers.forward,
        body: this.body,
        headersTimeout: this.route.timeoutMs,
      },
      this,
    );
  }

  private tryAgainOrAnswer(error: Error): void {
    const { instance, request, tried } = this;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'UND_ERR_INVALID_ARG') {
      this.answer(new Problem('malformed-request', 'The request is not valid HTTP.'));
      return;
    }
    if (!this.sent) instance?.refused(code ?? error.message);
    else if (code === 'UND_ERR_SOCKET') void instance?.look();
    const isTimeout = code === 'UND_ERR_HEADERS_TIMEOUT';
    const mayBeRepeated = !this.sent || (SAFE.has(request.method ?? '') && this.body === null && !isTimeout);
    if (mayBeRepeated && tried.length < MOST_TRIES) {
      // A kept connection may have ended just when we used it; its instance gets another chance where there is no other.
      const again = tried.length === 1 && this.sent && instance?.state === 'ready' ? instance : undefined;
      const next = instanceFor(this.route, this.key, tried) ?? again;
      if (next) {
        this.retries += 1;
        this.sendTo(next);
        return;
      }
    }
    this.around.failed(this, instance, error);
    if (!this.sent) this.answer(unavailable());
    else if (isTimeout)
      this.answer(new Problem('gateway-timeout', 'The app behind the gateway did not answer in time.'));
    else this.answer(new Problem('bad-gateway', 'The app behind the gateway broke off before it had answered.'));
  }

  /** Sends on a request whose body is too large, without the body, since the app has checks that come before that one. */
  private beRefused(): void {
    this.headers.forward.push('content-length', ANNOUNCED_AS_ENDLESS);
    this.body = endlessBody();
    this.request.resume();
    const waiting = setTimeout(() => {
      if (this.over || this.response.headersSent) return;
      const { controller } = this;
      this.answer(new Problem('body-too-large', 'The body is larger than this server takes.'));
      controller?.abort(new Error('The body is larger than its route takes.'));
    }, REFUSES_WITHIN_MS);
    this.response.on('close', () => clearTimeout(waiting));
    this.send();
  }

  private answer(problem: Problem): void {
    this.over = true;
    if (!this.request.complete) this.request.resume();
    answerProblem(this.response, problem, {
      url: this.request.url ?? '/',
      correlationId: this.headers.correlationId,
      close: this.around.draining,
    });
  }
}

function unavailable(): Problem {
  return new Problem('unavailable', 'The service is not available at the moment; try again shortly.', {
    headers: { 'retry-after': '1' },
  });
}
