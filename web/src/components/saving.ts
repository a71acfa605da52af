/** A file that is asked for first: whether it is being made, and what says so when it cannot be. */

import { useState } from "react";
import { ApiError } from "@/api/client";
import { toast } from "./Toast";

export function useSaving(make: () => Promise<void>): { busy: boolean; save: () => void } {
  const [busy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    try {
      await make();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      toast({ text: `The file was not made: ${error.message}`, bad: true });
    } finally {
      setBusy(false);
    }
  };
  return { busy, save: () => void run() };
}
