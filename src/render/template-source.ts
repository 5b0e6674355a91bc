import { digest } from '../lib/digest.ts';
import type { RenderInput } from '../model/render-input.ts';
import { compileNginx, type RenderedConfiguration, type RenderNginx, type Templates } from './nginx.ts';

/** The templates in force: compiled, named by their digest, and replaceable while somebody waits for the next ones. */
export class TemplateSource {
  #render: RenderNginx;
  #renderPart: RenderNginx;
  #version: string;
  #waiting = Promise.withResolvers<void>();

  constructor(templates: Templates) {
    this.#render = compileNginx(templates);
    this.#renderPart = compileNginx(templates);
    this.#version = digest(JSON.stringify(templates));
  }

  get version(): string {
    return this.#version;
  }

  render(input: RenderInput): RenderedConfiguration {
    return this.#render(input);
  }

  /** The same for a few of the routes, so that what is kept of all of them for the next rendering stays. */
  renderPart(input: RenderInput): RenderedConfiguration {
    return this.#renderPart(input);
  }

  /** Templates that do not compile throw, and leave the present ones in force. */
  replace(templates: Templates): void {
    this.#render = compileNginx(templates);
    this.#renderPart = compileNginx(templates);
    this.#version = digest(JSON.stringify(templates));
    this.#waiting.resolve();
    this.#waiting = Promise.withResolvers<void>();
  }

  /** Resolves when the version is another than the known one. */
  async changed(known: string): Promise<void> {
    while (this.#version === known) await this.#waiting.promise;
  }
}
