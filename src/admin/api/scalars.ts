// The values that shapes of /api/v1 are made of.

import * as z from 'zod';

export const ratio = z.number().min(0).max(1);
export const ms = z.number();
export const count = z.number().min(0);
export const wallMs = z.number().describe('milliseconds since the epoch');
export const tier = z.enum(['far-edge', 'near-edge', 'cloud']).nullable();
export const labels = z.record(z.string(), z.string());
