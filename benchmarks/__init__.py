"""What is measured, and beside what. A package: a library of Injective's ships that name too."""
