import { Controller, Get, Header, Inject } from '@nestjs/common';
import { Documents } from './documents';

/** The documents of the whole API, whichever apps it is made of. */
@Controller()
export class DocumentsController {
  constructor(@Inject(Documents) private readonly documents: Documents) {}

  @Get('openapi.json')
  @Header('Content-Type', 'application/json')
  openApi() {
    return this.documents.text('/openapi.json');
  }

  @Get('asyncapi.json')
  @Header('Content-Type', 'application/json')
  asyncApi() {
    return this.documents.text('/asyncapi.json');
  }
}
