// A page that could not be drawn: plain words, and a way on. The rest of the app stays.
import { useEffect } from "react";
import { isRouteErrorResponse, useRouteError } from "react-router";
import { onBackAgain } from "@/api/connection";
import { Button, LinkButton } from "@/components/Button";
import { Empty, NoAccess } from "@/components/States";

export function Broken() {
  const error = useRouteError();
  // After an upgrade the files of the old release are gone; the new page has new ones.
  const outdated = error instanceof Error && /import|fetch|module|preload/i.test(error.message);
  // What could not be fetched while away is fetched once the connection is back.
  useEffect(() => (outdated ? onBackAgain(() => window.location.reload()) : undefined), [outdated]);
  if (isRouteErrorResponse(error) && error.status === 404) return <NoAccess />;
  return (
    <Empty
      title={outdated ? "This page has to be loaded again" : "This page could not be drawn"}
      actions={
        <>
          <Button kind="filled" onClick={() => window.location.reload()}>
            Load again
          </Button>
          <LinkButton to="/">Back to the start</LinkButton>
        </>
      }
    >
      {outdated
        ? "The app was updated, or the connection was lost while the page was being fetched."
        : `Nothing was changed or lost. ${error instanceof Error ? error.message : ""}`}
    </Empty>
  );
}
