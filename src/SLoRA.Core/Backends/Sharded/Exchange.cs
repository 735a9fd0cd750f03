namespace SLoRA.Backends.Sharded;

/// <summary>
/// What one shard brings to a meeting: pieces of its memory, in the order in which all shards name theirs. Used again and again; its pieces
/// stay as they are until the meeting after the next.
/// </summary>
internal sealed class Exchange
{
    private ExchangePiece[] _pieces = new ExchangePiece[16];
    private int[] _firstRows = new int[17];
    private int _count;

    /// <summary>The pieces.</summary>
    public ReadOnlySpan<ExchangePiece> Pieces => _pieces.AsSpan(0, _count);

    /// <summary>Rows of all pieces.</summary>
    public int Rows => _firstRows[_count];

    /// <summary>The widest piece.</summary>
    public int Columns { get; private set; }

    /// <summary>Whether all pieces are of adapters, so that there would be no meeting without them.</summary>
    public bool IsLora { get; private set; }

    /// <summary>Forgets the pieces.</summary>
    public void Clear()
    {
        _count = 0;
        Columns = 0;
        IsLora = true;
    }

    /// <summary>Adds a piece.</summary>
    public void Add(in ExchangePiece piece)
    {
        if (_count == _pieces.Length)
        {
            Array.Resize(ref _pieces, 2 * _count);
            Array.Resize(ref _firstRows, (2 * _count) + 1);
        }

        _pieces[_count++] = piece;
        _firstRows[_count] = _firstRows[_count - 1] + piece.Rows;
        Columns = Math.Max(Columns, piece.Columns);
        IsLora &= piece.IsLora;
    }

    /// <summary>The piece that a row is of, counted through all pieces, and its place there.</summary>
    public (int Piece, int Row) Find(int row)
    {
        int found = Array.BinarySearch(_firstRows, 0, _count + 1, row);
        int piece = found < 0 ? ~found - 1 : found;

        // Pieces without rows begin where the next one does.
        while (_firstRows[piece + 1] == row)
        {
            piece++;
        }

        return (piece, row - _firstRows[piece]);
    }
}
