"""An import-linter contract: of another distribution only its public modules may be imported."""

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class PublicDoors(Contract):
    """Packages may import of each other `doors` only; their `back_doors` are open to modules of the same name alone."""

    packages = fields.ListField(subfield=fields.StringField())
    doors = fields.ListField(subfield=fields.StringField())
    back_doors = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Look at every import between two of the packages."""
        wrong = []
        for module in sorted(graph.modules):
            package, _, room = module.partition(".")
            if package not in self.packages:
                continue
            for imported in sorted(graph.find_modules_directly_imported_by(module)):
                other, _, inside = imported.partition(".")
                if other == package or other not in self.packages:
                    continue
                door = inside.partition(".")[0]
                if door in self.doors or (door in self.back_doors and room.partition(".")[0] == door):
                    continue
                lines = [each["line_number"] for each in graph.get_import_details(importer=module, imported=imported)]
                wrong.append((module, imported, lines))
        return ContractCheck(kept=not wrong, metadata={"wrong": wrong})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Say where."""
        for module, imported, lines in check.metadata["wrong"]:
            output.print_error(f"{module} imports {imported} (line {', '.join(map(str, lines))})")
