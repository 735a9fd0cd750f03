namespace SLoRA.Text.Tokenization.Patterns;

/// <summary>The operations of a compiled expression.</summary>
internal enum PatternOp
{
    /// <summary>One code point of the set.</summary>
    One,

    /// <summary>From A to B (-1: no limit) code points of the set, as many as possible, giving back one by one.</summary>
    Run,

    /// <summary>As <see cref="Run"/>, giving nothing back.</summary>
    RunAtomic,

    /// <summary>Go on at A; on failure at B.</summary>
    Split,

    /// <summary>Go on at A.</summary>
    Jump,

    /// <summary>Put the position into register A.</summary>
    Save,

    /// <summary>Go on at B when nothing was taken since register A was saved.</summary>
    LeaveIfEmpty,

    /// <summary>The text between registers A and A + 1 again; B is 1 to ignore case.</summary>
    Again,

    /// <summary>The place A.</summary>
    Place,

    /// <summary>Part A leads to a match from here (B is 1: does not).</summary>
    Ahead,

    /// <summary>Part A leads to a match that ends here (B is 1: does not), between Min and Max code points long.</summary>
    Behind,

    /// <summary>Part A matches from here, its first way only.</summary>
    Atomic,

    /// <summary>The match is complete.</summary>
    Match,
}
