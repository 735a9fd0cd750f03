namespace SLoRA.Step;

/// <summary>Consecutive rows of one sequence: a prompt chunk, or one decode row.</summary>
/// <param name="FirstRow">First row of the step.</param>
/// <param name="RowCount">Rows, at least 1.</param>
/// <param name="FirstPosition">Position of the first row in its sequence; all earlier positions are in the pages already.</param>
/// <param name="TableStart">Where the sequence's page table would begin in <see cref="StepPlan.PageTables"/> with the page of position 0,
/// which need not be there any more; see <see cref="StepPlan.TableStart"/> for groups of layers.</param>
/// <param name="TableLength">Pages that hold positions up to the last row of the slice, counted from position 0.</param>
/// <param name="FirstOutput">Its first place in <see cref="StepPlan.OutputRows"/>.</param>
/// <param name="OutputCount">How many of its last rows want logits.</param>
/// <param name="StateLength">Pages of the states of its sequence, see <see cref="StepPlan.StatePages"/>; 0 if there are none.</param>
/// <param name="KnownLength">Tokens that its sequence had when its first row was computed: where rotations depend on the length of the
/// sequence, its rows turn as those of one that is at least so long.</param>
/// <param name="FirstTable">Its first place among the tables of further groups of layers.</param>
internal readonly record struct StepSlice(
    int FirstRow, int RowCount, int FirstPosition, int TableStart, int TableLength, int FirstOutput, int OutputCount, int StateLength = 0,
    int KnownLength = 0, int FirstTable = 0)
{
    /// <summary>The length of the sequence that a row at a position is rotated for.</summary>
    public int LengthAt(int position) => Math.Max(KnownLength, position + 1);
}

/// <summary>
/// What one step computes: rows with their tokens and positions, slices with their page tables, the LoRA work list and the rows whose
/// logits are wanted. It does not change while the step runs; its memory is used again for the next one.
/// </summary>
internal sealed class StepPlan
{
    private readonly int[] _tokens;
    private readonly int[] _positions;
    private readonly int[] _outputRows;
    private StepSlice[] _slices;
    private int[] _pageTables;
    private int[] _tableStarts = [];
    private int _tableCount;
    private int _sliceCount;
    private int _pageCount;

    /// <summary>Makes room for a plan.</summary>
    /// <param name="rowLimit">The most rows of a step.</param>
    /// <param name="outputLimit">The most rows whose logits one step gives.</param>
    /// <param name="pageCount">Pages of the pool: only shared ones can make a step's tables longer together.</param>
    public StepPlan(int rowLimit, int outputLimit, int pageCount = 256)
    {
        _tokens = new int[rowLimit];
        _positions = new int[rowLimit];
        _outputRows = new int[outputLimit];
        _slices = new StepSlice[rowLimit];
        _pageTables = new int[pageCount];
    }

    /// <summary>Rows of the step.</summary>
    public int RowCount { get; private set; }

    /// <summary>Rows whose logits are wanted.</summary>
    public int OutputCount { get; private set; }

    /// <summary>Rows that can still be added.</summary>
    public int RowsLeft => _tokens.Length - RowCount;

    /// <summary>Outputs that can still be added.</summary>
    public int OutputsLeft => _outputRows.Length - OutputCount;

    /// <summary>Token id per row.</summary>
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, RowCount);

    /// <summary>Position within its sequence per row.</summary>
    public ReadOnlySpan<int> Positions => _positions.AsSpan(0, RowCount);

    /// <summary>The slices, in row order; together they cover all rows.</summary>
    public ReadOnlySpan<StepSlice> Slices => _slices.AsSpan(0, _sliceCount);

    /// <summary>
    /// The page tables of all slices, one after the other; behind the first of each slice the pages of its states, then those of the
    /// further groups of layers.
    /// </summary>
    public ReadOnlySpan<int> PageTables => _pageTables.AsSpan(0, _pageCount);

    /// <summary>Rows whose logits are wanted, ascending.</summary>
    public ReadOnlySpan<int> OutputRows => _outputRows.AsSpan(0, OutputCount);

    /// <summary>The LoRA work of the step.</summary>
    public WorkList Lora { get; } = new();

    /// <summary>The tokens that the device is to choose by itself.</summary>
    public TokenChoices Choices { get; } = new();

    /// <summary>
    /// The pages that hold the states of a slice's sequence, as <see cref="KvLayout.States"/> counts them: what all positions before the
    /// slice have left there, zeros if there are none. The step leaves there what its rows make of it, one after the other, so that it is
    /// the same wherever slices begin and end.
    /// </summary>
    public ReadOnlySpan<int> StatePages(StepSlice slice) => _pageTables.AsSpan(slice.TableStart + slice.TableLength, slice.StateLength);

    /// <summary>Page tables of a slice: one for each of <see cref="KvLayout.Groups"/>.</summary>
    public int Groups => _sliceCount == 0 ? 1 : 1 + (_tableCount / _sliceCount);

    /// <summary>
    /// Where the page table of a slice for a group of layers would begin in <see cref="PageTables"/> with the page of position 0. Pages
    /// that no row of the slice sees are not there, so it may be before the beginning.
    /// </summary>
    public int TableStart(in StepSlice slice, int group) => group == 0 ? slice.TableStart : _tableStarts[slice.FirstTable + group - 1];

    /// <summary>Forgets everything and keeps the memory.</summary>
    public void Clear()
    {
        Choices.Clear();
        RowCount = 0;
        OutputCount = 0;
        _sliceCount = 0;
        _pageCount = 0;
        _tableCount = 0;
        Lora.Clear();
    }

    /// <summary>Appends rows of one sequence.</summary>
    /// <param name="tokens">Their token ids.</param>
    /// <param name="firstPosition">Position of the first.</param>
    /// <param name="pages">The pages that hold positions up to the last of these rows, of the first group of layers.</param>
    /// <param name="outputs">How many of the last rows want logits.</param>
    /// <param name="statePages">The pages that hold the states of the sequence; none for a model without.</param>
    /// <param name="knownLength">Tokens that the sequence had when its first row was computed.</param>
    /// <param name="firstPage">Which page of the sequence the first of <paramref name="pages"/> is; those before it are not seen.</param>
    /// <returns>The first row.</returns>
    public int AddSlice(
        ReadOnlySpan<int> tokens, int firstPosition, ReadOnlySpan<int> pages, int outputs, ReadOnlySpan<int> statePages = default,
        int knownLength = 0, int firstPage = 0)
    {
        if (_sliceCount == _slices.Length)
        {
            Array.Resize(ref _slices, 2 * _slices.Length);
        }

        int start = Append(pages) - firstPage;
        Append(statePages);
        int firstRow = RowCount;
        tokens.CopyTo(_tokens.AsSpan(firstRow));
        for (int i = 0; i < tokens.Length; i++)
        {
            _positions[firstRow + i] = firstPosition + i;
        }

        _slices[_sliceCount++] = new StepSlice(
            firstRow, tokens.Length, firstPosition, start, firstPage + pages.Length, OutputCount, outputs, statePages.Length, knownLength,
            _tableCount);
        RowCount += tokens.Length;
        for (int row = RowCount - outputs; row < RowCount; row++)
        {
            _outputRows[OutputCount++] = row;
        }

        return firstRow;
    }

    /// <summary>Adds the page table of the last slice for the next group of layers.</summary>
    /// <param name="pages">The pages that hold positions up to the last row of the slice.</param>
    /// <param name="firstPage">Which page of the sequence the first of them is; those before it are not seen.</param>
    public void AddTable(ReadOnlySpan<int> pages, int firstPage)
    {
        if (_tableCount == _tableStarts.Length)
        {
            Array.Resize(ref _tableStarts, Math.Max(16, 2 * _tableStarts.Length));
        }

        _tableStarts[_tableCount++] = Append(pages) - firstPage;
    }

    /// <returns>Where they begin.</returns>
    private int Append(ReadOnlySpan<int> pages)
    {
        if (_pageTables.Length - _pageCount < pages.Length)
        {
            Array.Resize(ref _pageTables, Math.Max(2 * _pageTables.Length, _pageCount + pages.Length));
        }

        int start = _pageCount;
        pages.CopyTo(_pageTables.AsSpan(start));
        _pageCount += pages.Length;
        return start;
    }
}
