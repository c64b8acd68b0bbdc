/** Calls to one Label Studio: its error codes, its words, and what it says of things that are not there. */
import { z } from 'zod';
import { ProsamError } from '../../../core/common/errors.ts';
import { createOutbound, type OutboundCall, type OutboundOptions } from '../../http/outbound.ts';
import { OutboundError } from '../../http/outbound-response.ts';
import type { ServerDialect } from '../../http/outbound-types.ts';

export interface TransportOptions extends Omit<OutboundOptions, 'dialect' | 'headers'> {
  /** Step that helps where the credentials are refused. @default a valid token */
  refusedAdvice?: string | undefined;
  /** Words that differ where another server than Label Studio is asked. @default its own */
  dialect?: Partial<ServerDialect>;
}

/** Options of every call. */
export interface CallOptions {
  signal?: AbortSignal | undefined;
}

export interface Call<T> extends Omit<OutboundCall, 'headers'> {
  /** Schema of the response; without one it is not read. */
  response?: z.ZodType<T>;
  /** Result instead of an error where Label Studio says 404, in its own words: a 404 of a server before it says nothing. */
  missing?: T;
  /** A 404 in any words will do: for what older versions lack. @default false */
  missingInAnyWords?: boolean;
  /** Whether doing it twice is the same as once. @default all but POST */
  repeatable?: boolean;
}

/** @throws LABEL_STUDIO_FAILED, LABEL_STUDIO_REFUSED; the reason of the call's signal */
export type Transport = <T>(call: Call<T>) => Promise<T>;

const problemSchema = z.object({ detail: z.string().optional().catch(undefined), validation_errors: z.unknown().optional() });
const missingSchema = z.object({ status_code: z.literal(404), detail: z.string() });

const LABEL_STUDIO: ServerDialect = {
  name: 'Label Studio',
  versions: '1.23',
  failed: 'LABEL_STUDIO_FAILED',
  refused: 'LABEL_STUDIO_REFUSED',
  detailOf(json) {
    const problem = problemSchema.safeParse(json);
    if (!problem.success) return '';
    const { detail = '', validation_errors: fields } = problem.data;
    return `${detail}${fields === undefined ? '' : ` ${JSON.stringify(fields)}`}`.replace(/<[^>]*>/g, '');
  },
  isOwnMissing: (json) => missingSchema.safeParse(json).success,
  advice: {
    401: 'Give a token that is valid there.',
    403: 'Give the token of a user who may do this.',
  },
};

export function createTransport({ refusedAdvice, dialect: own, ...options }: TransportOptions): Transport {
  const dialect = { ...LABEL_STUDIO, ...own };
  const advice = refusedAdvice === undefined ? dialect.advice : { ...dialect.advice, 401: refusedAdvice };
  const outbound = createOutbound({ ...options, dialect: { ...dialect, advice } });
  return async <T>(given: Call<T>): Promise<T> => {
    const { response, missing, missingInAnyWords = false, ...call } = given;
    const request = { ...call, repeatable: call.repeatable ?? call.method !== 'POST' };
    try {
      if (response !== undefined) return await outbound.json(request, response);
      await outbound.done(request);
      return undefined as T;
    } catch (error) {
      const isMissing = error instanceof OutboundError && error.answered === 404 && (missingInAnyWords || error.ownMissing);
      if (isMissing && 'missing' in given) return missing as T;
      throw error;
    }
  };
}

export function failed(message: string): ProsamError {
  return new ProsamError('LABEL_STUDIO_FAILED', `${message}.`);
}
