using System.Diagnostics;
using ILGPU.Runtime.Cuda;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// How long a device spends in exchanges. Reading the time costs, so only the first steps and then one of many are timed; of the others it
/// is the number of their meetings that counts, at the last timed step's average.
/// </summary>
/// <remarks>CUDA's events tell the time without anybody waiting; elsewhere the host waits for the device on both sides.</remarks>
internal sealed class ExchangeClock(GpuDevice device) : IDisposable
{
    private const int FirstSteps = 4;
    private const int Period = 64;

    private readonly bool _hasEvents = device.Accelerator is CudaAccelerator;
    private readonly List<nint> _events = [];
    private readonly List<bool> _isLora = [];
    private long _steps;
    private long _start;
    private long _baseTicks;
    private long _loraTicks;
    private Average _base;
    private Average _lora;
    private bool _lacksTime;
    private bool _isTimed;

    /// <summary>Begins a step.</summary>
    public void BeginStep()
    {
        _isTimed = _lacksTime || _steps < FirstSteps || _steps % Period == 0;
        _steps++;
        _baseTicks = 0;
        _loraTicks = 0;
        _isLora.Clear();
    }

    /// <summary>An exchange, or a part of one, begins here in the order of the steps' stream.</summary>
    public void Start()
    {
        if (!_isTimed)
        {
            return;
        }

        if (_hasEvents)
        {
            Record(2 * _isLora.Count);
            return;
        }

        device.Synchronize();
        _start = Stopwatch.GetTimestamp();
    }

    /// <summary>And ends here.</summary>
    public void Stop(bool isLora)
    {
        if (!_isTimed)
        {
            return;
        }

        if (_hasEvents)
        {
            Record((2 * _isLora.Count) + 1);
            _isLora.Add(isLora);
            return;
        }

        device.Synchronize();
        Add(isLora, Stopwatch.GetTimestamp() - _start);
    }

    /// <summary>Ends a step with so many meetings, of which everything is computed.</summary>
    public void EndStep(int baseMeetings, int loraMeetings)
    {
        if (_isTimed)
        {
            ReadEvents();
            _base = baseMeetings > 0 ? new Average(_baseTicks, baseMeetings) : _base;
            _lora = loraMeetings > 0 ? new Average(_loraTicks, loraMeetings) : _lora;
        }

        _lacksTime = loraMeetings > 0 && _lora.Meetings == 0;
    }

    /// <summary>The time of a step with so many meetings, in ticks of <see cref="Stopwatch"/>.</summary>
    public (long Base, long Lora) TicksOf(int baseMeetings, int loraMeetings) => (_base.Of(baseMeetings), _lora.Of(loraMeetings));

    public void Dispose()
    {
        foreach (nint item in _events)
        {
            device.FreeEvent(item);
        }

        _events.Clear();
    }

    private void ReadEvents()
    {
        if (_isLora.Count == 0)
        {
            return;
        }

        device.Bind();
        for (int i = 0; i < _isLora.Count; i++)
        {
            CudaError answer = CudaAPI.CurrentAPI.ElapsedTime(out float milliseconds, _events[2 * i], _events[(2 * i) + 1]);
            if (answer != CudaError.CUDA_SUCCESS)
            {
                throw device.Fault("reading the time", new CudaException(answer));
            }

            Add(_isLora[i], (long)(milliseconds * (Stopwatch.Frequency / 1000.0)));
        }
    }

    private void Add(bool isLora, long ticks)
    {
        _baseTicks += isLora ? 0 : ticks;
        _loraTicks += isLora ? ticks : 0;
    }

    private void Record(int place)
    {
        device.Bind();
        if (place == _events.Count)
        {
            _events.Add(CudaPeers.CreateEvent(device, timed: true));
        }

        CudaPeers.Record(device, device.Stream, _events[place]);
    }

    private readonly record struct Average(long Ticks, int Meetings)
    {
        public long Of(int meetings) => Meetings == 0 ? 0 : Ticks * meetings / Meetings;
    }
}
