using ILGPU;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>What a step gives back: a token for each output row that the device has chosen for, the logits of the others.</summary>
internal sealed unsafe class StepOutputs : IDisposable
{
    private readonly GpuDevice _device;
    private readonly HostBuffer _tokens;
    private readonly HostBuffer _logits;
    private readonly bool[] _isHere;
    private readonly int _vocabulary;

    /// <summary>Takes page-locked memory for so many output rows.</summary>
    /// <param name="device">The device.</param>
    /// <param name="outputLimit">The most output rows of a step.</param>
    /// <param name="vocabulary">The most logits of a row.</param>
    public StepOutputs(GpuDevice device, int outputLimit, int vocabulary)
    {
        _device = device;
        _vocabulary = vocabulary;
        _isHere = new bool[outputLimit];
        _tokens = new HostBuffer(device, Math.Max(1, outputLimit * sizeof(int)));
        try
        {
            _logits = new HostBuffer(device, Math.Max(1, RowBytes * outputLimit));
        }
        catch
        {
            _tokens.Dispose();
            throw;
        }
    }

    private long RowBytes => (long)_vocabulary * sizeof(float);

    /// <summary>Sends for tokens and logits; they are here after the next wait for the device.</summary>
    public void Download(StepPlan plan, ArrayView<float> logits, int width, ArrayView<int> chosen)
    {
        _isHere.AsSpan(0, plan.OutputCount).Fill(true);
        foreach (TokenChoice choice in plan.Choices.Items)
        {
            _isHere[choice.Output] = false;
        }

        if (!plan.Choices.Items.IsEmpty)
        {
            _device.Download(chosen.SubView(0, plan.OutputCount).Cast<byte>(), _tokens.Address);
        }

        for (int output = 0; output < plan.OutputCount; output++)
        {
            if (_isHere[output])
            {
                DownloadRow(logits, width, output);
            }
        }
    }

    /// <summary>The token that was chosen for an output row, or <see cref="ChooseKernels.NoToken"/>.</summary>
    public int Chosen(int output) => _isHere[output] ? ChooseKernels.NoToken : _tokens.Span<int>((long)output * sizeof(int), 1)[0];

    /// <summary>The logits of an output row; those of a row that was chosen for are fetched now.</summary>
    public Span<float> Logits(ArrayView<float> logits, int width, int output)
    {
        if (!_isHere[output])
        {
            DownloadRow(logits, width, output);
            _device.Synchronize();
            _isHere[output] = true;
        }

        return _logits.Span<float>(RowBytes * output, width);
    }

    public void Dispose()
    {
        _tokens.Dispose();
        _logits.Dispose();
    }

    private void DownloadRow(ArrayView<float> logits, int width, int output) => _device.Download(
        logits.SubView((long)output * width, width).Cast<byte>(), _logits.Address + (RowBytes * output));
}
