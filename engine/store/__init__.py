"""The database: tables, and one module of queries per noun. Only `engine.flow` commits."""
