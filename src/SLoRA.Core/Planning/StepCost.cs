namespace SLoRA.Planning;

/// <summary>How long a step takes, as a sum over what is in it. Seconds per unit.</summary>
internal sealed record StepCost
{
    /// <summary>Any step: reading the weights, and everything that does not depend on its rows.</summary>
    public required double Step { get; init; }

    /// <summary>A row: its products with the weights.</summary>
    public required double Row { get; init; }

    /// <summary>A row whose logits are wanted, beside that.</summary>
    public double Output { get; init; }

    /// <summary>A position that a row attends to.</summary>
    public double Context { get; init; }

    /// <summary>An adapter of the step.</summary>
    public double Adapter { get; init; }

    /// <summary>A rank row of an adapter of the step: reading its weights.</summary>
    public double RankRow { get; init; }

    /// <summary>A row times a rank of its adapter: the products with its weights.</summary>
    public double RankWork { get; init; }

    /// <summary>A byte of an adapter that is copied into pages between two steps.</summary>
    public double PageInByte { get; init; }

    /// <summary>Seconds of a step, without what is copied before it.</summary>
    public double Seconds(in StepLoad load) => load.Rows == 0
        ? 0
        : Step + (Row * load.Rows) + (Output * load.Outputs) + (Context * load.Context) + (Adapter * load.Adapters)
            + (RankRow * load.RankRows) + (RankWork * load.RankWork);
}

/// <summary>What is in a step.</summary>
/// <param name="Rows">Rows.</param>
/// <param name="Outputs">Rows whose logits are wanted.</param>
/// <param name="Context">Positions that the rows attend to, all together.</param>
/// <param name="Adapters">Distinct adapters.</param>
/// <param name="RankRows">The ranks of these, all together.</param>
/// <param name="RankWork">The ranks of the rows' adapters, all together.</param>
internal readonly record struct StepLoad(
    double Rows, double Outputs, double Context, double Adapters, double RankRows, double RankWork);
