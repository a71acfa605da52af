// Says new critical alarms to those who listen, politely, and nothing else.
import { useState } from "react";
import { useEvents } from "@/api/events";

const CRITICAL = 3;

export function Announcer() {
  const [said, say] = useState("");
  useEvents(["alarm"], ({ data }) => {
    if (data["severity"] !== CRITICAL || data["state"] !== "active") return;
    if (data["action"] === "raised" || data["action"] === "risen")
      say(`New critical alarm: ${String(data["title"])}, vehicle ${String(data["vehicle_id"])}`);
  });
  return (
    <div className="spoken" aria-live="polite">
      {said}
    </div>
  );
}
