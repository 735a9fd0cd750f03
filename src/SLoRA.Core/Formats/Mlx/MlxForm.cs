namespace SLoRA.Formats.Mlx;

/// <summary>How a matrix is made of what a file of MLX has.</summary>
internal enum MlxForm
{
    /// <summary>As it stands there.</summary>
    AsStored,

    /// <summary>Rows are columns.</summary>
    Turned,

    /// <summary>The rows of a gate's A, and behind them those of an up's.</summary>
    Behind,

    /// <summary>The rows of a gate's B and of an up's in turn, each beside zeros where the other's ranks are.</summary>
    InTurn,
}
