using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Step;

namespace SLoRA.Models.Blocks;

/// <summary>A feed-forward block without a gate: <c>down(f(up(x)))</c>.</summary>
internal sealed record PlainMlpBlock : Block
{
    /// <summary>Width of the residual stream, D.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Outputs of up, inputs of down.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>What is applied in between; null for xIELU, whose constants are in the checkpoint.</summary>
    public required ElementFunction? Function { get; init; }

    /// <summary>Whether up and down have biases.</summary>
    public bool Bias { get; init; }

    /// <summary>What the checkpoint calls the first projection.</summary>
    public string UpName { get; init; } = "mlp.up_proj";

    /// <summary>What the checkpoint calls the second projection.</summary>
    public string DownName { get; init; } = "mlp.down_proj";

    /// <inheritdoc/>
    public override ImmutableArray<Module> Modules => Function is null ? [Up, Down, .. Constants] : [Up, Down];

    private Split Columns => Split.OfColumns(IntermediateSize);

    private LinearModule Up => new(UpName, IntermediateSize, HiddenSize, Bias) { Partition = Partition.Outputs(Columns) };

    private LinearModule Down => new(DownName, HiddenSize, IntermediateSize, Bias) { Partition = Partition.Inputs(Columns) };

    private static NumberModule[] Constants =>
    [
        new("mlp.act_fn.alpha_p", IsVector: true), new("mlp.act_fn.alpha_n", IsVector: true),
        new("mlp.act_fn.beta", IsVector: false), new("mlp.act_fn.eps", IsVector: false),
    ];

    /// <inheritdoc/>
    public override RunningBlock Load(BlockLoader loader) => new Running(this, loader);

    private static ElementFunction Xielu(BlockLoader loader)
    {
        float[] numbers = [.. Constants.Select(module => loader.Number(module))];
        (float positive, float negative, float beta, float epsilon) = (numbers[0], numbers[1], numbers[2], numbers[3]);
        return new ElementFunction(ElementFunctionKind.Xielu, Softplus(positive), beta + Softplus(negative), beta, epsilon);
    }

    private static float Softplus(float x) => (float)(Math.Max(x, 0) + Math.Log(1 + Math.Exp(-Math.Abs(x))));

    private sealed class Running(PlainMlpBlock block, BlockLoader loader) : RunningBlock
    {
        private readonly ElementFunction _function = block.Function ?? Xielu(loader);
        private readonly LinearGroup _up = loader.Group(block.Up);
        private readonly LinearGroup _down = loader.Group(block.Down);
        private readonly DeviceRows _inner = loader.Rows(block.Columns);

        public override void Run(IBackend backend, DeviceRows x, DeviceRows y)
        {
            backend.Linear(_up, x, _inner);
            backend.Apply(_function, _inner, 0, _inner.Width);
            backend.Linear(_down, _inner, y);
        }
    }
}
