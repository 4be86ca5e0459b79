"""Results of queries as every answer shows them; computing them is the query service's."""
