namespace SLoRA.Text.Fuzz;

/// <summary>Makes new inputs of old ones: bits and bytes changed, stretches copied, cut, joined, words put in.</summary>
internal sealed class Mutator(IFuzzTarget target, int seed)
{
    private const int MaxLength = 1 << 16;

    private readonly Random _random = new(seed);
    private readonly JsonMutator? _json = target.IsJson ? new JsonMutator(target.Seeds, new Random(seed)) : null;

    public byte[] Next()
    {
        if (_json is not null && _random.Next(2) == 0)
        {
            return _json.Next();
        }

        List<byte> bytes = [.. Pick(target.Seeds)];
        int changes = 1 + _random.Next(1 + _random.Next(8));
        for (int i = 0; i < changes; i++)
        {
            Change(bytes);
        }

        return [.. bytes];
    }

    private byte[] Pick(IReadOnlyList<byte[]> from) => from[_random.Next(from.Count)];

    private void Change(List<byte> bytes)
    {
        int at = _random.Next(bytes.Count + 1);
        int length = Math.Min(1 + _random.Next(1 + _random.Next(32)), bytes.Count - at);
        switch (_random.Next(9))
        {
            case 0 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 1 when at < bytes.Count:
                bytes[at] = (byte)_random.Next(256);
                break;
            case 2 when length > 0:
                bytes.RemoveRange(at, length);
                break;
            case 3 when length > 0 && bytes.Count < MaxLength:
                List<byte> copy = bytes.GetRange(at, length);
                for (int i = _random.Next(4); i >= 0; i--)
                {
                    bytes.InsertRange(_random.Next(bytes.Count + 1), copy);
                }

                break;
            case 4:
                bytes.InsertRange(at, Pick(target.Words));
                break;
            case 5 when length > 0:
                bytes.RemoveRange(at, length);
                bytes.InsertRange(at, Pick(target.Words));
                break;
            case 6:
                byte[] other = Pick(target.Seeds);
                int from = _random.Next(other.Length + 1);
                bytes.InsertRange(at, other.AsSpan(from, Math.Min(_random.Next(64), other.Length - from)).ToArray());
                break;
            case 7:
                ChangeNumber(bytes, at);
                break;
            case 8 when _random.Next(20) == 0:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
        }
    }

    private void ChangeNumber(List<byte> bytes, int at)
    {
        while (at < bytes.Count && bytes[at] is < (byte)'0' or > (byte)'9')
        {
            at++;
        }

        int end = at;
        while (end < bytes.Count && bytes[end] is >= (byte)'0' and <= (byte)'9')
        {
            end++;
        }

        if (end == at)
        {
            return;
        }

        string[] numbers = ["0", "1", "-1", "2147483647", "2147483648", "4294967295", "1e9", "0.5", "999999", "3"];
        bytes.RemoveRange(at, end - at);
        bytes.InsertRange(at, System.Text.Encoding.ASCII.GetBytes(numbers[_random.Next(numbers.Length)]));
    }
}
