"""Operations taken back, insights put back to a version, and many insights changed at once."""
