using SLoRA.Backends;

namespace SLoRA.Models.Blocks;

/// <summary>A norm of whole rows with its weights on a device.</summary>
/// <param name="module">Its declaration.</param>
/// <param name="weight">Its weight.</param>
/// <param name="bias">Its bias, if it has one.</param>
internal sealed class LoadedNorm(NormModule module, DeviceVector weight, DeviceVector? bias)
{
    private readonly bool _isCentered = module.IsCentered;

    /// <summary>Its weight.</summary>
    public DeviceVector Weight => weight;

    /// <summary>What it adds to the mean square.</summary>
    public float Epsilon { get; } = module.Epsilon;

    /// <summary><c>y = norm(x)</c>; y may be x.</summary>
    public void Run(IBackend backend, DeviceRows x, DeviceRows y)
    {
        if (_isCentered)
        {
            backend.LayerNorm(x, weight, bias, Epsilon, y);
        }
        else
        {
            backend.Norm(x, weight, Epsilon, y);
        }
    }

    /// <summary><c>x += r</c>, then <c>y = norm(x)</c>.</summary>
    public void RunOnSum(IBackend backend, DeviceRows x, DeviceRows residual, DeviceRows y)
    {
        if (_isCentered)
        {
            backend.Add(x, residual);
            backend.LayerNorm(x, weight, bias, Epsilon, y);
        }
        else
        {
            backend.AddNorm(x, residual, weight, Epsilon, y);
        }
    }
}
