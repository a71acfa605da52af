export { fitting, sorted, tableCsv, type Column } from "./columns";
export { allOf, usePaged, type Piece } from "./paged";
export { Table, type TableProps } from "./Table";
