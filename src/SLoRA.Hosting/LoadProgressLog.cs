using Microsoft.Extensions.Logging;

namespace SLoRA.Hosting;

/// <summary>Says how far loading has come, once for each tenth of a stage.</summary>
internal sealed class LoadProgressLog(ILogger log) : IProgress<LoadProgress>
{
    private string _stage = "";
    private long _tenths;

    public void Report(LoadProgress value)
    {
        if (value.Stage != _stage)
        {
            (_stage, _tenths) = (value.Stage, -1);
        }

        long tenths = value.BytesTotal == 0 ? 10 : value.BytesDone * 10 / value.BytesTotal;
        if (tenths > _tenths)
        {
            _tenths = tenths;
            Log.Progress(log, value.Stage, tenths * 10, value.BytesTotal);
        }
    }
}
